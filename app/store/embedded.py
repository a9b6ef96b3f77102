"""The embedded PostgreSQL: one server per CONCORD_HOME, shared by the processes of one operating-system user.

Nobody else gets in: it listens on a unix socket in a private directory only, and `peer` authentication lets
just this user become the roles named in the identity map. Both are checked before the server is used.

Who uses it holds a shared file lock, which the kernel releases when a process ends, however it ends. Who
leaves tries for the lock alone: the one that gets it was the last and stops the server.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from app.errors import DatabaseExposed, DatabaseUnreachable, DatabaseVersion, StoreError
from app.store.address import DATABASE, LOGINS, Address, cause
from app.store.placement import (
    EMBEDDED_MAJOR,
    Placement,
    check_private,
    client_user,
    place,
    private_directory,
    socket_directory,
)

SUPERUSER = "concord_bootstrap"
IDENTITY_MAP = "concord"
START_SECONDS = 60
HBA = f"# written by Concord; checked at every start\nlocal all all peer map={IDENTITY_MAP}\n"
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "jit": "off",
    "work_mem": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # a failing statement carries business data
}


class EmbeddedServer:
    """One process's hold on the server of one home; `acquire` and `release` may block for seconds."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        """Prepare for `home`; `settings` adds server settings (tests turn fsync off)."""
        self._home = home
        self._settings = {**SERVER_SETTINGS, **(settings or {})}
        self._durable = self._settings.get("fsync") != "off"
        self._users_lock: int | None = None
        self._placement: Placement | None = None

    def acquire(self) -> Address:
        """Start the server unless it runs, check that it is private, and hold it until `release`."""
        self._placement = place(self._home)
        with self._exclusively(self._placement):
            address = self._running(self._placement)
            self._users_lock = _open_lock(self._placement.root / "users.lock")
            fcntl.flock(self._users_lock, fcntl.LOCK_SH)
        atexit.register(self.release)
        return address

    def revive(self) -> Address:
        """Start the server again if it died while it was held; returns where it is now."""
        released = DatabaseUnreachable(reason="the embedded server was released")
        if self._placement is None:
            raise released
        with self._exclusively(self._placement):
            if self._users_lock is None:  # another thread let go while we waited: nobody would stop it again
                raise released
            return self._running(self._placement)

    def _running(self, placement: Placement) -> Address:
        """Return the address of the running server, started if need be and checked to be private."""
        _check_major(placement)
        socket = _running_socket(placement) or self._start(placement)
        check_private(socket, placement.user)
        address = Address({"host": str(socket), "dbname": DATABASE, "user": SUPERUSER}, admin=SUPERUSER)
        _check_rules(address)
        return address

    def release(self) -> None:
        """Let go of the server; the last one to leave stops it."""
        if self._users_lock is None or self._placement is None:
            return
        atexit.unregister(self.release)
        with self._exclusively(self._placement):
            try:
                fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still uses it
            else:
                _stop(self._placement, "fast" if self._durable else "immediate")
            finally:
                os.close(self._users_lock)
                self._users_lock = None

    @contextmanager
    def _exclusively(self, placement: Placement) -> Iterator[None]:
        """Let one process at a time start, join or stop the server."""
        lock = _open_lock(placement.root / "start.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _start(self, placement: Placement) -> Path:
        """Create the data directory if there is none, write the access rules, start; returns the socket's."""
        if not (placement.data / "PG_VERSION").exists():
            _create_cluster(placement, durable=self._durable)
        _write_rules(placement)
        socket = socket_directory(placement)
        options = [f"-c {name}={value or chr(39) * 2}" for name, value in self._settings.items()]
        options.append(f"-c unix_socket_directories={socket}")
        log = ["-l", str(placement.log), "-t", str(START_SECONDS)]
        _run(placement, "pg_ctl", "start", "-w", *log, "-o", " ".join(options))
        _ensure_database(socket)
        return socket


def _open_lock(path: Path) -> int:
    """Open a lock file of this user's own."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _run(placement: Placement, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the data directory, as the server's user."""
    command = [str(placement.programs / program), "-D", str(placement.data), *arguments]
    as_user: dict[str, object] = {}
    if placement.user.switch:
        as_user = {"user": placement.user.uid, "group": placement.user.gid, "extra_groups": []}
    with (placement.root / f"{program}.out").open("w+", encoding="utf-8") as output:
        # a file, not a pipe: the server inherits the descriptor and would keep a pipe open
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            check=False,
            **as_user,  # type: ignore[call-overload]  # the stub wants literal keywords
        )
        output.seek(0)
        said = output.read().strip().splitlines()
    if done.returncode != 0:
        last = said[-1] if said else f"exit status {done.returncode}"
        raise DatabaseUnreachable(reason=f"{program} failed: {last} (see {placement.log})")


def _create_cluster(placement: Placement, *, durable: bool) -> None:
    """Run initdb; what an interrupted attempt left is removed, since initdb fills only an empty directory."""
    private_directory(placement.data, placement.user)
    for left_over in sorted(placement.data.rglob("*"), reverse=True):
        left_over.rmdir() if left_over.is_dir() and not left_over.is_symlink() else left_over.unlink()
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
    durability = [] if durable else ["--no-sync"]
    _run(placement, "initdb", "--auth=peer", f"--username={SUPERUSER}", *locale, *durability)


def _rules() -> dict[str, str]:
    """Return the access files: this operating-system user may become the named roles, nobody else any."""
    system_name = client_user()
    roles = "".join(f'{IDENTITY_MAP} "{system_name}" {role}\n' for role in (SUPERUSER, *LOGINS))
    return {"pg_hba.conf": HBA, "pg_ident.conf": f"# written by Concord\n{roles}"}


def _write_rules(placement: Placement) -> None:
    """Write the access files before a start."""
    for name, text in _rules().items():
        path = placement.data / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        if placement.user.switch:
            os.chown(path, placement.user.uid, placement.user.gid)


def _check_major(placement: Placement) -> None:
    """Refuse a data directory of another major version, naming the way out."""
    version = placement.data / "PG_VERSION"
    if not version.exists():
        return
    found = version.read_text(encoding="utf-8").strip()
    if found != str(EMBEDDED_MAJOR):
        raise DatabaseVersion(
            found=found,
            reason=f"{placement.data} was written by PostgreSQL {found}, this program carries "
            f"{EMBEDDED_MAJOR}; dump it with pg_dump of version {found}, start with an empty CONCORD_HOME "
            "and restore the dump there, or serve it from an external server named in CONCORD_DATABASE_URL",
        )


def _running_socket(placement: Placement) -> Path | None:
    """Return the socket directory of the server that runs here, if any; waits while one starts or ends.

    After a kill of its first process the others end by themselves; only then may a new server start.
    """
    pid_file = placement.data / "postmaster.pid"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            lines = pid_file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        if lines and _has_ended(int(lines[0])):
            if not any(_works_in(process, placement.data) for process in Path("/proc").glob("[0-9]*")):
                pid_file.unlink(missing_ok=True)
                return None
        elif len(lines) > 7 and lines[7].strip() == "ready":
            return Path(lines[4].strip())
        time.sleep(0.05)
    raise DatabaseUnreachable(reason=f"the server did not get ready (see {placement.log})")


def _has_ended(pid: int) -> bool:
    """Return whether a process is gone, or dead and merely not reaped.

    In a container whose first process reaps nobody, a killed server stays in the process table, and
    PostgreSQL's own programs take it for a living one.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:  # a system without /proc
        return False


def _works_in(process: Path, data: Path) -> bool:
    """Return whether a process of /proc has `data` as its working directory, as every server process has."""
    try:
        return (process / "cwd").readlink() == data
    except OSError:
        return False


def _stop(placement: Placement, mode: str) -> None:
    """Stop the server, ending open sessions; a socket directory outside the root goes with it."""
    socket = _running_socket(placement)
    if socket is None:
        return
    _run(placement, "pg_ctl", "stop", "-w", "-m", mode, "-t", str(START_SECONDS))
    if placement.root not in socket.parents:
        for left_over in socket.iterdir():
            left_over.unlink()
        socket.rmdir()


def _admin(socket_or_conninfo: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(socket_or_conninfo, autocommit=True, connect_timeout=START_SECONDS)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(reason=cause(error)) from None


def _ensure_database(socket: Path) -> None:
    """Create Concord's database once."""
    with _admin(f"host={socket} dbname=postgres user={SUPERUSER}") as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _check_rules(address: Address) -> None:
    """Ask the running server which rules it goes by, and refuse any but ours."""
    with _admin(address.admin_conninfo()) as connection:
        rules = connection.execute(
            "SELECT type, database, user_name, auth_method, options, error FROM pg_hba_file_rules"
        ).fetchall()
        names = connection.execute(
            "SELECT map_name, sys_name, pg_username, error FROM pg_ident_file_mappings"
        ).fetchall()
        listening = connection.execute("SELECT current_setting('listen_addresses')").fetchall()
    if rules != [("local", ["all"], ["all"], "peer", [f"map={IDENTITY_MAP}"], None)]:
        raise DatabaseExposed(reason="its pg_hba.conf is not the one Concord writes")
    system_name = client_user()
    if names != [(IDENTITY_MAP, system_name, role, None) for role in (SUPERUSER, *LOGINS)]:
        raise DatabaseExposed(reason="its pg_ident.conf is not the one Concord writes")
    if listening != [("",)]:
        raise StoreError(reason="it listens on a network address")
