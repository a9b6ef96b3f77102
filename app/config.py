"""Settings: the only reader of the environment.

Each field of `Settings` is the variable CONCORD_<NAME>; docs/settings.md has a heading for each (a test holds
the two together). Nothing else in Concord looks at `os.environ`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import ConfigurationError


def default_home() -> Path:
    """Return the directory for the data of the person at the keyboard, by the habit of the platform."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "concord"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "concord"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "concord"


class Settings(BaseSettings):
    """What can be set from outside; immutable once read."""

    model_config = SettingsConfigDict(
        env_prefix="CONCORD_", frozen=True, extra="forbid", env_ignore_empty=True
    )

    # Where things lie
    home: Path = Field(default_factory=default_home)
    database_url: SecretStr | None = None

    # The server
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    planning_processes: int = Field(default=1, ge=1, le=256)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    graphiql: bool = True

    # Tokens
    issuers_file: Path | None = None
    token_issuer: str = Field(default="urn:concord:local", min_length=1)
    token_audience: str = Field(default="urn:concord:api", min_length=1)
    token_ttl_seconds: int = Field(default=12 * 3600, ge=1, le=366 * 86400)
    token_leeway_seconds: int = Field(default=5, ge=0, le=300)
    max_token_bytes: int = Field(default=8192, ge=512)

    # The built-in issuer
    builtin_issuer: bool = True
    public_url: str | None = Field(default=None, max_length=200)
    client_token_ttl_seconds: int = Field(default=600, ge=30, le=86400)
    session_seconds: int = Field(default=12 * 3600, ge=60, le=30 * 86400)
    refresh_ttl_seconds: int = Field(default=12 * 3600, ge=60, le=90 * 86400)
    token_requests_per_minute: int = Field(default=120, ge=1)

    # The web login
    session_idle_seconds: int = Field(default=3600, ge=60, le=30 * 86400)

    # What one request may ask for
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    max_json_depth: int = Field(default=64, ge=8, le=900)
    max_document_bytes: int = Field(default=64 * 1024, ge=256)
    max_tokens: int = Field(default=4000, ge=100)
    max_depth: int = Field(default=15, ge=3, le=100)
    max_aliases: int = Field(default=60, ge=1)
    max_nodes: int = Field(default=20_000, ge=100)
    response_wait_seconds: float = Field(default=60.0, ge=0, le=600)

    # WebSocket
    max_message_bytes: int = Field(default=256 * 1024, ge=1024)
    max_socket_operations: int = Field(default=32, ge=1)
    socket_init_seconds: float = Field(default=10.0, gt=0, le=600)
    socket_idle_seconds: float = Field(default=900.0, gt=0)
    socket_send_seconds: float = Field(default=30.0, gt=0)

    @property
    def issuer_url(self) -> str:
        """Where this server is reached, without a slash at the end: the name of the built-in issuer."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        host = self.host if self.host in ("127.0.0.1", "localhost") else "127.0.0.1"
        return f"http://{host}:{self.port}"

    @property
    def keys_directory(self) -> Path:
        """Directory of the local signing keys and of the secret behind opaque ids."""
        return self.home / "keys"


def load_settings() -> Settings:
    """Read the environment; a wrong value is refused in one line that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigurationError(reason=_explain(error)) from None


def _explain(error: ValidationError) -> str:
    """Return 'CONCORD_PORT: …' for each wrong variable; values are left out, they may be secrets."""
    lines = [
        f"CONCORD_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors() if item["loc"]
    ]
    return "; ".join(lines) or "the settings cannot be read"
