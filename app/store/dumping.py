"""Backups: the whole database as one archive of PostgreSQL's own pg_dump, taken of one state under load.

The programs must not be older than the server, and an archive goes back into a server no older than the
programs that wrote it: so of the programs at hand, those closest to the server's version are taken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo

from app.errors import BackupUnusable, DatabaseNotEmpty, DatabaseUnreachable, InputError, StoreError
from app.store.address import Address, cause
from app.store.migrate import VERSION_SCHEMA, ensure_roles, migration_config, owner_connection
from app.store.placement import packaged_programs

WHERE_INSTALLED = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_REVISION = re.compile(r"^COPY .*alembic_version .*\n(\S+)\n", re.MULTILINE)


def dump(address: Address, file: Path) -> int:
    """Write the archive, whole under its name or nothing, and return its size in bytes.

    Sees one state of the database, however much is written meanwhile. The administrator must be allowed to
    read past row security (a superuser, or a role with BYPASSRLS). The archive holds everything and is
    readable by its owner alone; signing keys and passwords of CONCORD_HOME are not in it. Raises InputError
    where `file` exists already or cannot be written.
    """
    if file.exists():
        raise InputError(reason=f"{file} exists already; a backup never replaces a file")
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _run(_program(address, "pg_dump"), address, "--format=custom", "--no-password", f"--file={partial}")
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        os.link(partial, file)
        return file.stat().st_size
    except OSError as error:
        raise InputError(reason=f"{file} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def load(address: Address, file: Path) -> None:
    """Fill an empty database from an archive, all of it or nothing.

    Raises BackupUnusable for a file that is no backup of Concord, is damaged, or was written by a later
    program; DatabaseNotEmpty where a schema is there already.
    """
    restorer = _program(address, "pg_restore")
    _check_revision(_revision(restorer, file))
    with owner_connection(address) as connection:
        found = connection.exec_driver_sql(
            "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' "
            "AND nspname NOT IN ('public', 'information_schema')"
        ).scalars()
        if occupied := sorted(found):
            raise DatabaseNotEmpty(schemas=", ".join(occupied))
        ensure_roles(connection, address)
    try:
        _run(restorer, address, "--single-transaction", "--exit-on-error", "--no-password", str(file))
    except StoreError as error:
        raise BackupUnusable(reason=str(error.details["reason"])) from None
    _analyze(address)


def _analyze(address: Address) -> None:
    """Let the planner know the tables that were just filled."""
    with psycopg.connect(address.admin_conninfo(), autocommit=True) as connection:
        connection.execute("ANALYZE")


def _revision(restorer: Path, file: Path) -> str:
    """Return the schema revision that an archive was written at; it proves the archive to be Concord's."""
    if not file.is_file():
        raise BackupUnusable(reason=f"{file} is not there")
    only = ["--data-only", f"--schema={VERSION_SCHEMA}", "--table=alembic_version", "--file=-"]
    done = subprocess.run([restorer, *only, str(file)], capture_output=True, text=True, check=False)
    found = _REVISION.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise BackupUnusable(reason=f"{file} is not a whole backup written by `python -m app backup`")
    return found[1]


def _check_revision(revision: str) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()}
    if revision not in known:
        raise BackupUnusable(reason=f"it was written by a later program (schema revision {revision})")


def _program(address: Address, name: str) -> Path:
    """Return the program of the version closest to the server's, not older than it."""
    server = _server_major(address)
    found = [(major, path) for path in _candidates(name) if (major := _major(path)) >= server]
    if not found:
        raise StoreError(reason=f"no {name} of PostgreSQL {server} or later is installed")
    return min(found)[1]


def _candidates(name: str) -> Iterator[Path]:
    if on_path := shutil.which(name):
        yield Path(on_path)
    yield from WHERE_INSTALLED.glob(f"*/bin/{name}")
    yield packaged_programs() / name


def _major(program: Path) -> int:
    """Return the major version that a program tells; 0 where it does not run."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    found = _VERSION.search(told)
    return int(found[1]) if found else 0


def _server_major(address: Address) -> int:
    try:
        with psycopg.connect(address.admin_conninfo()) as connection:
            return connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(reason=cause(error)) from None


def _run(program: Path, address: Address, *arguments: str) -> None:
    """Run a program on the database; the password goes by the environment, which other users cannot read."""
    parameters = {**address.parameters}
    secret = {"PGPASSWORD": parameters.pop("password")} if "password" in parameters else {}
    target = f"--dbname={make_conninfo('', **parameters)}"
    done = subprocess.run(
        [program, target, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGOPTIONS": "-c timezone=UTC", **secret},
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        last = said[0].split("error: ")[-1] if said else f"exit status {done.returncode}"
        raise StoreError(reason=f"{program.name}: {last}")
