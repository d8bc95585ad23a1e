"""PostgreSQL's own pgbench: what the database does at best with the statements it is given.

It speaks the simple protocol, as the product's driver does.
"""

import re
import resource
import subprocess

from benchmarks.figures import Round, Wrong
from benchmarks.stage import Stage
from config import embedded

CLIENTS = 8

# Each client's next payment, in an order that seems random and never repeats; see `seeding`.
NEXT = r"""
\set i :i + 1
\set n permute(:first + :i * 8 + :client_id, :payments, 7)
"""


def run(stage: Stage, script: str, *, schema: str, first: int, count: int, payments: int) -> Round:
    """Eight clients run the script `count` times together, inside one tenant's schema.

    `first` of the `payments` are behind us already. Raises Wrong when a transaction failed.
    """
    path = stage.directory / "script.sql"
    path.write_text(NEXT + script)
    names = {"i": -1, "first": first, "payments": payments}
    before, spent = stage.postgres_seconds(), _children_seconds()
    done = subprocess.run(
        [
            str(embedded.program("pgbench")),
            *("--no-vacuum", "--client", str(CLIENTS), "--jobs", "2"),
            *("--transactions", str(count // CLIENTS), "--file", str(path)),
            *(f"--define={name}={value}" for name, value in names.items()),
            stage.url,
        ],
        env=stage.environment | {"PGOPTIONS": f"-c search_path={schema},public"},
        capture_output=True,
        text=True,
    )
    rate = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if done.returncode or rate is None:
        raise Wrong(f"pgbench: {done.stdout}{done.stderr}")
    cpu = {
        "client": _children_seconds() - spent,
        "postgres": stage.postgres_seconds() - before,
    }
    return Round(count, count / float(rate[1]), cpu)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
