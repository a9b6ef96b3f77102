"""Concord as a client of an OpenID provider: how its own pages let people log in there."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.errors import ConfigurationError

OPENID: Final = "openid"
_PARAMETERS: Final = frozenset({"resource", "audience", "acr_values", "prompt", "ui_locales", "organization"})
"""What may be added to a request; everything else is the protocol's own."""
_MAX_SECRET: Final = 1024

Text = Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class LoginClient:
    """What Concord is called at a provider, and how it proves itself; without a secret by PKCE alone."""

    title: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = (OPENID,)
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class LoginTable(BaseModel):
    """`login` of an [[issuer]] in CONCORD_ISSUERS_FILE."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    client_id: Text
    title: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    secret_file: Text | None = None
    scopes: Annotated[list[Text], Field(min_length=1, max_length=20)] = [OPENID]
    parameters: dict[Text, Text] = {}

    @field_validator("scopes")
    @classmethod
    def _identifies(cls, scopes: list[str]) -> list[str]:
        if OPENID not in scopes or any(" " in scope for scope in scopes):
            raise ValueError("scopes are words, and `openid` is one of them: a login needs an ID token")
        return scopes

    @field_validator("parameters")
    @classmethod
    def _harmless(cls, parameters: dict[str, str]) -> dict[str, str]:
        for name in parameters:
            if name not in _PARAMETERS:
                raise ValueError(f"parameter {name} is not one of {', '.join(sorted(_PARAMETERS))}")
        return parameters

    def client(self, directory: Path, name: str) -> LoginClient:
        """Return the client; its secret's file is looked for from the directory of the issuers' file.

        Raises ConfigurationError for a file that is missing, empty, or open to other users.
        """
        return LoginClient(
            title=self.title or name,
            client_id=self.client_id,
            secret=None if self.secret_file is None else _secret(directory / self.secret_file),
            scopes=tuple(self.scopes),
            parameters=MappingProxyType(dict(self.parameters)),
        )


def _secret(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigurationError(reason=f"{path} is open to other users; run: chmod go-rwx '{path}'")
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(reason=f"{path}: {error}") from None
    if not 0 < len(secret) <= _MAX_SECRET or not secret.isprintable():
        raise ConfigurationError(reason=f"{path} holds no secret of 1 to {_MAX_SECRET} printable characters")
    return secret
