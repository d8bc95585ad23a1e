"""A person at a terminal, who answers what a program of ours asks."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence

from django.conf import settings

SECONDS = 120


def talk(
    words: Sequence[str], environment: Mapping[str, str], answers: Sequence[tuple[str, str]]
) -> tuple[int, str, str]:
    """Run Python with these words and give each answer once its question was shown.

    Returns the exit code, the standard output, and what the terminal showed besides.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=settings.ROOT,
        env=dict(environment),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = ""
        for question, answer in answers:
            shown += _until(ours, question)
            os.write(ours, f"{answer}\n".encode())
        shown += _until(ours, None)
        told, _ = process.communicate(timeout=SECONDS)
    os.close(ours)
    return process.returncode, told, shown


def _until(terminal: int, words: str | None) -> str:
    """What is shown until these words are; without words, until the program closes it."""
    shown = ""
    while words is None or words not in shown:
        try:
            shown += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # nobody has it open any more
            if words is None:
                return shown
            raise AssertionError(f"{words!r} was never asked: {shown}") from None
    return shown
