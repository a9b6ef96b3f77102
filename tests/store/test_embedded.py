"""The embedded server: nobody else gets in, processes share it, and nothing is left running."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import pytest

from app.access import HOST
from app.config import Settings
from app.errors import DatabaseExposed, DatabaseUnreachable, DatabaseVersion
from app.store.database import Database
from app.store.embedded import EmbeddedServer
from app.store.migrate import migrate
from app.store.placement import Placement, place
from tests.conftest import UNSAFE_BUT_FAST

ROOT = os.geteuid() == 0
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def home() -> Iterator[Path]:
    """A short home that the server's user can reach."""
    made = Path(tempfile.mkdtemp(prefix="concord-home-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def postmaster(home: Path) -> int | None:
    """Return the process id of the home's server, None if none runs."""
    try:
        return int((home / "postgres/data/postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return None


def hold(home: Path, pipe: Connection) -> None:
    """Hold the server in a process of its own until told to let go."""
    server = EmbeddedServer(home, UNSAFE_BUT_FAST)
    server.acquire()
    pipe.send("held")
    pipe.recv()
    server.release()


def holding(home: Path) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """Start a process that holds the server."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=hold, args=(home, theirs))
    process.start()
    assert ours.poll(60)
    assert ours.recv() == "held"
    return process, ours


def test_the_last_to_leave_stops_it_and_a_killed_one_counts_as_gone(home: Path) -> None:
    first, to_first = holding(home)
    second, to_second = holding(home)
    running = postmaster(home)
    to_first.send("leave")
    first.join(30)
    assert postmaster(home) == running, "the second process still uses it"
    assert second.pid is not None
    os.kill(second.pid, signal.SIGKILL)
    second.join(30)
    to_second.close()
    third = EmbeddedServer(home, UNSAFE_BUT_FAST)
    third.acquire()
    assert postmaster(home) == running, "it is joined, not started a second time"
    third.release()
    assert postmaster(home) is None


def test_a_server_that_is_let_go_meanwhile_is_not_started_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedServer(home, UNSAFE_BUT_FAST)
    server.acquire()
    enter = server._exclusively

    def released_before(placement: Placement) -> AbstractContextManager[None]:
        monkeypatch.setattr(server, "_exclusively", enter)
        server.release()
        return enter(placement)

    monkeypatch.setattr(server, "_exclusively", released_before)
    with pytest.raises(DatabaseUnreachable, match="was released"):
        server.revive()
    assert postmaster(home) is None


def test_nobody_else_gets_in(home: Path) -> None:
    server = EmbeddedServer(home, UNSAFE_BUT_FAST)
    address = server.acquire()
    try:
        directory = Path(address.parameters["host"])
        for private in (directory, home / "postgres", home / "postgres/data"):
            assert private.stat().st_mode & 0o077 == 0
        with psycopg.connect(address.admin_conninfo()) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
            psycopg.connect(f"host={directory} dbname=concord user=somebody")
        if ROOT:
            for path in (directory, home / "postgres/data"):
                asked = subprocess.run(
                    ["ls", str(path)], user="nobody", cwd="/", capture_output=True, text=True, check=False
                )
                assert asked.returncode != 0
                assert "Permission denied" in asked.stderr
    finally:
        server.release()


def test_a_directory_open_to_others_is_refused(home: Path) -> None:
    place(home).root.chmod(0o755)
    with pytest.raises(DatabaseExposed):
        EmbeddedServer(home).acquire()


@pytest.mark.slow
def test_rules_that_somebody_loosened_are_refused_while_running_and_restored_at_the_next_start(
    home: Path,
) -> None:
    server = EmbeddedServer(home, UNSAFE_BUT_FAST)
    address = server.acquire()
    rules = home / "postgres/data/pg_hba.conf"
    rules.write_text("local all all trust\n")
    with psycopg.connect(address.admin_conninfo(), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")
    with pytest.raises(DatabaseExposed):
        EmbeddedServer(home).acquire()
    server.release()
    assert postmaster(home) is None
    again = EmbeddedServer(home, UNSAFE_BUT_FAST)
    again.acquire()
    assert "trust" not in rules.read_text()
    again.release()


def test_data_of_another_major_version_are_refused_with_the_way_out(home: Path) -> None:
    data = place(home).data
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseVersion, match="pg_dump of version 16"):
        EmbeddedServer(home).acquire()


@pytest.mark.slow
def test_a_long_home_keeps_its_socket_private(home: Path) -> None:
    long = home / ("x" * 120)
    long.mkdir(mode=0o711)
    server = EmbeddedServer(long, UNSAFE_BUT_FAST)
    directory = Path(server.acquire().parameters["host"])
    assert len(str(directory)) < 80
    assert directory.stat().st_mode & 0o077 == 0
    server.release()
    assert not directory.exists()


@pytest.mark.slow
@pytest.mark.skipif(not ROOT, reason="only root's homes are out of the server's reach")
def test_a_home_that_only_root_can_enter_is_not_opened_up(home: Path) -> None:
    home.chmod(0o700)
    inner = home / "inner"
    server = EmbeddedServer(inner, UNSAFE_BUT_FAST)
    try:
        server.acquire()
        assert home.stat().st_mode & 0o077 == 0
    finally:
        server.release()
        shutil.rmtree((inner / "postgres.path").read_text().strip())


@pytest.mark.slow
async def test_a_server_that_was_killed_is_started_again_and_keeps_what_was_committed(home: Path) -> None:
    database = await Database.open(Settings(home=home))
    try:
        await migrate(database)
        async with database.write(HOST) as tx:
            await tx.execute("INSERT INTO plan.plan (name) VALUES ('kept')")
        running = postmaster(home)
        assert running is not None
        os.kill(running, signal.SIGKILL)
        deadline = time.monotonic() + 30
        answers = 0
        while not (answers and postmaster(home) not in (None, running)):  # the killed one's sessions linger
            assert time.monotonic() < deadline
            with contextlib.suppress(DatabaseUnreachable):
                async with database.read(HOST) as tx:
                    assert await tx.fetch("SELECT name FROM plan.plan") == [{"name": "kept"}]
                answers += 1
    finally:
        await database.close()
    assert postmaster(home) is None
