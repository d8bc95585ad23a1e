"""A small SMTP server that keeps what it is given, or answers as it is told to."""

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ANSWERS = {
    "EHLO": "250 test",
    "HELO": "250 test",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}


class MailServer(socketserver.ThreadingTCPServer):
    """`answers` by the first word of a command; an empty answer hangs up."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.answers = ANSWERS | dict(answers)
        self.mails: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.say(self.server.answers.get("greeting", "220 test"))
        for line in self.rfile:
            word = line.split()[0].decode().upper() if line.split() else ""
            answer = self.server.answers.get(word, "502 not here")
            if not answer:
                return
            self.say(answer)
            if word == "DATA":
                self.keep_mail()
            if word == "QUIT":
                return

    def keep_mail(self) -> None:
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line)
        self.server.mails.append(b"".join(lines).decode())
        self.say(self.server.answers["."])

    def say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())


@contextmanager
def mail_server(**answers: str) -> Iterator[MailServer]:
    """A server with these answers, by command."""
    server = MailServer(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
