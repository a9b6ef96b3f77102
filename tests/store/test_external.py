"""An external server: passwords over TCP, an administrator with or without superuser rights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from app.access import HOST, Scope
from app.config import Settings
from app.errors import ConfigurationError, DatabaseUnreachable
from app.services.backup import backup, restore
from app.store import branches
from app.store.address import Address
from app.store.database import Database
from app.store.external import external_address
from app.store.migrate import check_current, migrate
from app.store.placement import place, server_user

PASSWORD = "only-for-this-test"
INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
USABLE = [path.parent for path in INSTALLED if int(path.parts[4]) >= 15]
EMBEDDED = "embedded"


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=[*USABLE, EMBEDDED], ids=str)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each PostgreSQL of the machine and the embedded one, over TCP; the address of its superuser."""
    root = Path(tempfile.mkdtemp(prefix="concord-external-"))
    root.chmod(0o711)
    programs = place(root / "home").programs if request.param == EMBEDDED else request.param
    user, port = server_user(), free_port()
    (root / "password").write_text(PASSWORD)
    for path in (root, root / "password"):
        os.chown(path, user.uid, user.gid)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(root / "data"), *arguments]
        switch = {"user": user.uid, "group": user.gid} if user.switch else {}
        with (root / "output").open("w") as output:
            subprocess.run(command, check=True, cwd="/", stdout=output, stderr=output, **switch)  # type: ignore[call-overload]  # the stub wants literal keywords

    run("initdb", "-U", "boss", "-A", "scram-sha-256", f"--pwfile={root / 'password'}", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off"
    run("pg_ctl", "start", "-w", "-l", str(root / "log"), "-o", options)
    yield f"postgresql://boss:{PASSWORD}@127.0.0.1:{port}"
    run("pg_ctl", "stop", "-w", "-m", "fast")
    shutil.rmtree(root)


def made_database(server: str, name: str, *, superuser: bool) -> SecretStr:
    """Make a database and the administrator who owns it; returns the administrator's connection string."""
    power = sql.SQL("SUPERUSER" if superuser else "NOSUPERUSER CREATEROLE")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD 'p'").format(sql.Identifier(f"admin_{name}"), power)
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(f"admin_{name}")
            )
        )
    own = server.replace(f"boss:{PASSWORD}", f"admin_{name}:p")
    return SecretStr(f"{own}/{name}")


@pytest.mark.slow
async def test_migrating_and_serving_over_passwords(server: str, tmp_path: Path) -> None:
    for name, superuser in (("modest", False), ("mighty", True)):
        url = made_database(server, name, superuser=superuser)
        database = await Database.open(Settings(home=tmp_path, database_url=url))
        try:
            await migrate(database)
            await migrate(database)
            await check_current(database)
            async with database.write(HOST) as tx:
                await branches.create_plan(tx, author="test")
            async with database.read(Scope("concord_internal", "concord_planner")) as tx:
                assert (await branches.branch(tx, "main")).name == "main"
        finally:
            await database.close()


@pytest.mark.slow
async def test_another_home_does_not_know_the_passwords(server: str, tmp_path: Path) -> None:
    url = made_database(server, "secret", superuser=True)
    owner = await Database.open(Settings(home=tmp_path / "one", database_url=url))
    await migrate(owner)
    await owner.close()
    stranger = await Database.open(Settings(home=tmp_path / "two", database_url=url))
    with pytest.raises(DatabaseUnreachable, match="password authentication failed"):
        async with stranger.read(HOST):
            pass
    await stranger.close()


@pytest.mark.slow
async def test_a_backup_goes_out_and_back_over_passwords(server: str, tmp_path: Path) -> None:
    database, empty = [
        await Database.open(
            Settings(home=tmp_path / "home", database_url=made_database(server, name, superuser=True))
        )
        for name in ("original", "copy")
    ]
    try:
        await migrate(database)
        async with database.write(HOST) as tx:
            await branches.create_plan(tx, author="test")
        await backup(database, HOST, tmp_path / "backup")
        assert (await restore(empty, HOST, tmp_path / "backup")).findings == []
        async with empty.read(HOST) as tx:
            assert (await branches.branch(tx, "main")).name == "main"
    finally:
        await database.close()
        await empty.close()


async def test_a_server_that_does_not_answer_is_named_in_one_line(tmp_path: Path) -> None:
    url = SecretStr(f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none")
    with pytest.raises(DatabaseUnreachable) as refused:
        await Database.open(Settings(home=tmp_path, database_url=url))
    assert "\n" not in str(refused.value)
    assert "Connection refused" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("address", [None, "postgresql://nobody@127.0.0.1:1/none"])
async def test_a_home_that_cannot_be_made_is_named_in_one_line(tmp_path: Path, address: str | None) -> None:
    (tmp_path / "file").touch()
    url = None if address is None else SecretStr(address)
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match=f"CONCORD_HOME {home} cannot be made"):
            await Database.open(Settings(home=home, database_url=url))


@pytest.mark.parametrize("url", ["mysql://somewhere", "postgresql://host:port:x/"])
async def test_an_address_that_is_none_is_refused_without_showing_it(tmp_path: Path, url: str) -> None:
    with pytest.raises((ConfigurationError, DatabaseUnreachable)) as refused:
        await Database.open(Settings(home=tmp_path, database_url=SecretStr(url)))
    assert url not in str(refused.value)


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    secret = tmp_path / "database.secret"
    url = SecretStr(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    settings = Settings(home=tmp_path, database_url=url)
    for _ in range(2):
        with pytest.raises(DatabaseUnreachable):
            external_address(settings)
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(secret.read_bytes()) == 32
    secret.chmod(0o644)
    with pytest.raises(ConfigurationError):
        external_address(settings)


def test_an_address_shows_no_secret() -> None:
    address = Address.from_url("postgresql://boss:hidden@db/x", b"0" * 32)
    assert address.login_parameters("concord_owner")["password"] != "hidden"
    assert address.parameters["password"] == "hidden"
    assert "hidden" not in repr(address)
    with pytest.raises(ValueError, match="not a login role"):
        address.login_parameters("boss")
