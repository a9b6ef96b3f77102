"""Files that only their owner may read, created once however many processes start at the same time."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from app.errors import ConfigurationError, InputError

_POSIX = os.name == "posix"


def private_directory(path: Path) -> Path:
    """Create `path` with mode 0700 where it is missing, and refuse one that others can enter."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(reason=f"cannot create the directory {path}: {error.strerror}") from error
    _refuse_unless_private(path, stat.S_ISDIR, "directory")
    return path


def private_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the contents of `path`; where it is missing, create it with mode 0600 from `make()` first.

    The contents are written under another name and linked into place: a reader sees all of it or no file,
    and of several processes that create it at once one wins and all read the winner's contents.
    """
    private_directory(path.parent)
    try:
        if not path.is_file():
            _create(path, make())
        _refuse_unless_private(path, stat.S_ISREG, "file")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(reason=f"cannot read or create {path}: {error.strerror}") from error


def new_private_file(path: Path, contents: bytes) -> None:
    """Create `path` with mode 0600, all of it or nothing; raises InputError where it is there already."""
    try:
        draft = _draft(path, contents)
        try:
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:
        raise InputError(reason=f"{path} is there already, and is not replaced") from None
    except OSError as error:
        raise InputError(reason=f"cannot write {path}: {error.strerror}") from None


def replace_private_file(path: Path, contents: bytes) -> None:
    """Put `contents` in place of a private file: a reader sees all of the old or all of the new ones."""
    _refuse_unless_private(path, stat.S_ISREG, "file")
    try:
        _draft(path, contents).replace(path)
    except OSError as error:
        raise ConfigurationError(reason=f"cannot replace {path}: {error.strerror}") from error


def _create(path: Path, contents: bytes) -> None:
    """Write `contents` to a new file and link it to `path`; leave a `path` that is there by now alone."""
    draft = _draft(path, contents)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _draft(path: Path, contents: bytes) -> Path:
    """Write `contents` to a new file beside `path`, for its owner alone; nothing is left where that fails."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(contents)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        draft.unlink()
        raise
    return draft


def _refuse_unless_private(path: Path, is_kind: Callable[[int], bool], kind: str) -> None:
    """Refuse a path of another kind (a symbolic link included), of another owner, or open to others."""
    status = path.lstat()
    if not is_kind(status.st_mode):
        raise ConfigurationError(reason=f"{path} is not a {kind}")
    if _POSIX and status.st_uid != os.geteuid():
        raise ConfigurationError(reason=f"the {kind} {path} belongs to another user")
    if _POSIX and stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(
            reason=f"the {kind} {path} is open to other users; run: chmod go-rwx '{path}'"
        )
