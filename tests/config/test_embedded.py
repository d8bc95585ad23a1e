"""The embedded PostgreSQL: it starts, survives being killed, and leaves nothing behind."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from config import embedded
from config.processes import Service


@pytest.fixture
def directory(data_dir: Path) -> Iterator[Path]:
    """A data directory whose server is gone after the test, whatever happened."""
    directory = data_dir / "data of ₹ our own" / "postgres"
    yield directory
    embedded.end_leftover(directory)


def boot(directory: Path) -> Service:
    server = embedded.service(directory, directory.with_name("log"))
    server.start()
    embedded.wait_until_ready(server, directory)
    return server


def query(directory: Path, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(embedded.url(directory))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def test_it_starts_safe_and_stops_without_a_trace(directory: Path) -> None:
    server = boot(directory)
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert query(directory, f"SHOW {setting}") == [("on",)]
    assert query(directory, "SHOW listen_addresses") == [("",)]
    assert embedded.processes(directory)
    server.stop()
    assert not embedded.processes(directory)


def test_what_was_committed_survives_kill_9_of_everything(directory: Path) -> None:
    server = boot(directory)
    query(directory, "CREATE TABLE kept AS SELECT 1 AS n")
    killed = embedded.processes(directory)
    for process in killed:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(killed)
    server.kill()
    again = boot(directory)
    assert query(directory, "SELECT n FROM kept") == [(1,)]
    again.stop()


def test_a_server_that_lost_its_parent_is_ended_first(directory: Path) -> None:
    orphan = boot(directory)
    again = boot(directory)
    assert orphan.exit_code() == 0
    again.stop()


def test_a_process_id_that_now_belongs_to_another_program_is_no_server(directory: Path) -> None:
    boot(directory).stop()
    (directory / "postmaster.pid").write_text(f"1\n{directory}\n1700000000\n5432\n\n\n1 1\nready\n")
    boot(directory).stop()


def test_a_path_too_long_for_a_socket(data_dir: Path) -> None:
    directory = data_dir / ("deep/" * 40) / "postgres"
    server = boot(directory)
    assert query(directory, "SELECT current_database()") == [("payments",)]
    server.stop()
    embedded.socket_directory(directory).rmdir()


def test_a_half_made_directory_is_made_again(directory: Path) -> None:
    unfinished = directory.with_name("postgres.new")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    boot(directory).stop()


def test_a_socket_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    somewhere = tmp_path / "link"
    somewhere.symlink_to(tmp_path)
    with pytest.raises(embedded.DatabaseFailed, match="somebody else"):
        embedded.make_private(somewhere, None)
