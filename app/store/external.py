"""An external PostgreSQL, named by CONCORD_DATABASE_URL."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import psycopg

from app.config import Settings
from app.errors import ConfigurationError, DatabaseUnreachable, DatabaseVersion
from app.store.address import Address, cause
from app.store.placement import make_home

OLDEST_MAJOR = 15
OLDEST_MINOR = {15: 9, 16: 5, 17: 1}
"""CVE-2024-10976: before these, row security could apply another role's policies to a cached plan."""

CONNECT_SECONDS = 10


def external_address(settings: Settings) -> Address:
    """Check the server named in the settings and return its address."""
    if settings.database_url is None:
        raise ConfigurationError(reason="CONCORD_DATABASE_URL is not set")
    try:
        address = Address.from_url(settings.database_url.get_secret_value(), _secret(settings.home))
    except psycopg.ProgrammingError:
        raise ConfigurationError(reason="CONCORD_DATABASE_URL is not a PostgreSQL address") from None
    check_version(_server_version(address))
    return address


def check_version(version: int) -> None:
    """Refuse a server too old, `version` as the server counts it (150009 = 15.9)."""
    major, minor = divmod(version, 10_000)
    if major < OLDEST_MAJOR:
        raise DatabaseVersion(found=f"{major}.{minor}", reason=f"version {OLDEST_MAJOR} or later is needed")
    least = OLDEST_MINOR.get(major, 0)
    if minor < least:
        raise DatabaseVersion(
            found=f"{major}.{minor}", reason=f"update it to {major}.{least} or later (CVE-2024-10976)"
        )


def _server_version(address: Address) -> int:
    """Ask the server for its version; it is told with the greeting, before any statement."""
    try:
        with psycopg.connect(address.admin_conninfo(), connect_timeout=CONNECT_SECONDS) as connection:
            return connection.info.server_version
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(reason=cause(error)) from None


def _secret(home: Path) -> bytes:
    """Return the secret behind the login roles' passwords, made on first use (32 bytes, mode 0600)."""
    path = home / "database.secret"
    make_home(home, 0o700)
    if not path.exists():
        fresh = path.with_suffix(f".{os.getpid()}")
        with open(fresh, "xb", opener=_private) as file:
            file.write(secrets.token_bytes(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # whole or not at all, and the first one wins
        fresh.unlink()
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(reason=f"{path} is readable by others; its mode must be 0600")
    secret = path.read_bytes()
    if len(secret) < 32:
        raise ConfigurationError(reason=f"{path} is damaged; remove it and run `python -m app migrate`")
    return secret


def _private(path: str, flags: int) -> int:
    """Open a new file that only its owner can read."""
    return os.open(path, flags, 0o600)
