"""Whose tokens are accepted, and what they look like: the local issuer, and those of CONCORD_ISSUERS_FILE.

The file is read once, when a process starts, and a mistake in it stops the start: a provider that is trusted
by accident opens a graph. docs/identity.md explains every key.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.auth.claims import AUDIENCE_CLAIM, PARTY_CLAIM, ROLE_CLAIM, TOKEN_TYPE
from app.auth.keys import ALGORITHM
from app.auth.login_client import LoginClient, LoginTable
from app.auth.mapping import ClaimRule, PrincipalRules
from app.auth.principal import AUDIENCES
from app.auth.remote_keys import FRESH_SECONDS, RemoteKeys, Timing, is_secure
from app.auth.verifying import ALGORITHMS, KeySource
from app.config import Settings
from app.errors import ConfigurationError

LOCAL: Final = PrincipalRules(
    ClaimRule((AUDIENCE_CLAIM,)), ClaimRule((ROLE_CLAIM,)), ClaimRule((PARTY_CLAIM,), optional=True)
)
ACCESS_TOKEN_TYPES: Final = frozenset({TOKEN_TYPE, f"application/{TOKEN_TYPE}"})
RESERVED_NAMES: Final = frozenset({"client", "concord", "user"})
"""Prefixes of subjects of the built-in issuer, which no provider's may look like."""
ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
"""Claims of OpenID Connect Core 1.0 §2 and §3.3.2.11 that no access token has."""
HARMLESS_HEADERS: Final = frozenset({"x5t", "x5t#S256", "nonce"})
"""Header parameters that may be let through; all others ask the reader to trust the sender, or change what
the rest means (jwk, jku, x5u, x5c, crit, b64, zip, cty)."""

Text = Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer whose tokens are accepted."""

    issuer: str
    keys: KeySource = field(repr=False)
    algorithms: frozenset[str]
    types: frozenset[str]
    """Accepted `typ`, in lower case; the empty text stands for a token without one."""
    rules: PrincipalRules
    headers: frozenset[str] = frozenset()
    id_token_claims: frozenset[str] = frozenset()
    required: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """Claims an access token must have, with the texts accepted (None: any)."""
    prefix: str = ""
    """What is put before the subject, so that two issuers' subjects are never the same person."""
    needs_token_id: bool = False
    name: str = ""
    """Its name in the file; local issuers have none."""
    login: LoginClient | None = None
    """How people log in there at Concord's own pages, None where they do not."""


def local_issuers(settings: Settings, keys: KeySource) -> tuple[Issuer, ...]:
    """Return what this installation signs as: by command, and where it is on, as the built-in issuer.

    One algorithm, one type, no more in the header than needed.
    """
    if settings.builtin_issuer and not is_secure(settings.issuer_url):
        reason = "CONCORD_PUBLIC_URL must be an https address (http on this machine only)"
        raise ConfigurationError(reason=reason)
    names = [settings.token_issuer, *([settings.issuer_url] if settings.builtin_issuer else [])]
    return tuple(
        Issuer(
            issuer=name,
            keys=keys,
            algorithms=frozenset({ALGORITHM}),
            types=ACCESS_TOKEN_TYPES,
            rules=LOCAL,
            id_token_claims=ID_TOKEN_CLAIMS,
            needs_token_id=True,
        )
        for name in dict.fromkeys(names)
    )


class _Table(BaseModel):
    """A table of the issuers' file: every key known, no value converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Claim(_Table):
    """One property of the principal: a fixed `value`, or a `claim` with or without a map of `values`."""

    value: Text | None = None
    claim: Text | Annotated[list[Text], Field(min_length=1, max_length=5)] | None = None
    values: Annotated[dict[Text, Text], Field(min_length=1)] | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.value is None) == (self.claim is None):
            raise ValueError("give either `value` or `claim`")
        if self.value is not None and (self.values is not None or self.optional):
            raise ValueError("`value` stands alone")
        return self

    def rule(self) -> ClaimRule:
        """Return the rule that reads it from claims."""
        path = (self.claim,) if isinstance(self.claim, str) else tuple(self.claim or ())
        return ClaimRule(path, self.values, self.value, self.optional)

    def words(self) -> set[str] | None:
        """Return every word that can come out of it, None where the provider chooses freely."""
        if self.value is not None:
            return {self.value}
        return None if self.values is None else set(self.values.values())


class _Issuer(_Table):
    """One [[issuer]] of the file."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    issuer: Text
    jwks_uri: Text | None = None
    algorithms: Annotated[list[str], Field(min_length=1)]
    types: list[str] = [TOKEN_TYPE]
    headers: list[str] = []
    id_token_claims: list[Text] = sorted(ID_TOKEN_CLAIMS)
    required: dict[Text, list[Text]] = {}
    keys_fresh_seconds: Annotated[int, Field(ge=30, le=86400)] = int(FRESH_SECONDS)
    audience: _Claim
    role: _Claim
    party: _Claim | None = None
    login: LoginTable | None = None

    @model_validator(mode="after")
    def _safe(self) -> Self:
        for address in (self.issuer, self.jwks_uri or self.issuer):
            if not is_secure(address):
                raise ValueError(f"{address} must be an https address (http on this machine only)")
        for name in self.algorithms:
            if name not in ALGORITHMS:
                raise ValueError(f"algorithm {name} is not one of {', '.join(ALGORITHMS)}")
        if self.name in RESERVED_NAMES:
            raise ValueError(f"the name {self.name} stands for the built-in issuer's own")
        for name in self.headers:
            if name not in HARMLESS_HEADERS:
                raise ValueError(f"header {name} is not one of {', '.join(sorted(HARMLESS_HEADERS))}")
        return self

    @model_validator(mode="after")
    def _tells_id_tokens(self) -> Self:
        lax = {each.lower() for each in self.types} - ACCESS_TOKEN_TYPES
        if lax and not self.required:
            raise ValueError(
                f"types {sorted(lax)} do not tell access tokens from ID tokens: `required` must name a claim "
                "that access tokens alone have"
            )
        return self

    @model_validator(mode="after")
    def _grants_by_list(self) -> Self:
        audiences, roles = self.audience.words(), self.role.words()
        if audiences is None or roles is None:
            raise ValueError("audience and role need `value` or `values`: who may be what is written here")
        if self.audience.optional or self.role.optional:
            raise ValueError("audience and role are never optional")
        if not audiences <= set(AUDIENCES):
            raise ValueError(f"an audience is one of {', '.join(AUDIENCES)}")
        if audiences != {"internal"} and self.party is None:
            raise ValueError("suppliers and customers need a `party`")
        return self

    def trusted(self, directory: Path) -> Issuer:
        """Return the issuer with its keys, which are fetched when they are first needed.

        Files that it names are looked for from `directory`.
        """
        party = ClaimRule() if self.party is None else self.party.rule()
        return Issuer(
            issuer=self.issuer,
            keys=RemoteKeys(
                self.issuer,
                frozenset(self.algorithms),
                self.jwks_uri,
                timing=Timing(fresh=float(self.keys_fresh_seconds)),
            ),
            algorithms=frozenset(self.algorithms),
            types=frozenset(each.lower() for each in self.types),
            rules=PrincipalRules(self.audience.rule(), self.role.rule(), party),
            headers=frozenset(self.headers),
            id_token_claims=frozenset(self.id_token_claims),
            required={name: frozenset(texts) or None for name, texts in self.required.items()},
            prefix=f"{self.name}:",
            name=self.name,
            login=None if self.login is None else self.login.client(directory, self.name),
        )


class _File(_Table):
    """The whole file."""

    issuer: Annotated[list[_Issuer], Field(min_length=1, max_length=50)]


def load_issuers(settings: Settings) -> tuple[Issuer, ...]:
    """Return the issuers of CONCORD_ISSUERS_FILE, none where it is not set.

    Raises ConfigurationError that names the place of the first mistake.
    """
    path = settings.issuers_file
    if path is None:
        return ()
    listed = _read(path).issuer
    taken = Counter({settings.token_issuer, settings.issuer_url})
    taken.update(each.issuer for each in listed)
    names = Counter(each.name for each in listed)
    for name, times in (*taken.items(), *names.items()):
        if times > 1:
            raise ConfigurationError(reason=f"{path}: {name} is there {times} times")
    return tuple(each.trusted(path.parent) for each in listed)


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(reason=f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(reason=f"{path}: {place}: {first['msg']}") from None
