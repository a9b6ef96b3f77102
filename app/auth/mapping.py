"""From the claims of a token to who is calling, by rules that an issuer's configuration gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.auth.claims import MAX_TEXT
from app.auth.principal import AUDIENCES, Audience
from app.auth.strict import RefusedError

MAX_LISTED = 500
"""Most values of one claim that are looked through, such as the groups of a person."""


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """Where one property of the principal comes from.

    `path` leads to a claim (through objects where it has more than one name); `values` turns what is found
    there into Concord's word, and what it does not list is not taken. A rule without a path is the fixed
    `value` for all tokens of the issuer. An `optional` property may be absent.
    """

    path: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None
    value: str | None = None
    optional: bool = False

    def read(self, claims: Mapping[str, Any]) -> str | None:
        """Return the property, None where it is absent and may be.

        A claim that is a list must give exactly one word: of two roles, none is better than the other.
        """
        if not self.path:
            return self.value
        found = self._found(claims)
        if found is None:
            if self.optional:
                return None
            raise RefusedError(f"no {'.'.join(self.path)}")
        return check_text(self._word(found), ".".join(self.path))

    def _word(self, found: object) -> object:
        """Return Concord's word for what a claim holds; a list is taken only where `values` picks from it."""
        if self.values is None:
            return found
        listed = found if isinstance(found, list) else [found]
        if len(listed) > MAX_LISTED:
            raise RefusedError(f"{'.'.join(self.path)} lists too much")
        words = {self.values[each] for each in listed if isinstance(each, str) and each in self.values}
        if len(words) != 1:
            raise RefusedError(f"{'.'.join(self.path)} gives {len(words)} words instead of one")
        return words.pop()

    def _found(self, claims: Mapping[str, Any]) -> object:
        """Return what the path leads to; a claim that is there but null is no absent one."""
        here: object = claims
        for name in self.path:
            if not isinstance(here, Mapping) or name not in here:
                return None
            here = here[name]
            if here is None:
                raise RefusedError(f"{name} is null")
        return here


@dataclass(frozen=True, slots=True)
class PrincipalRules:
    """What tokens of an issuer say about their bearers."""

    audience: ClaimRule
    role: ClaimRule
    party: ClaimRule

    def read(self, claims: Mapping[str, Any]) -> tuple[Audience, str, str | None]:
        """Return audience, role and party; raises RefusedError where one is missing or ambiguous."""
        audience = _audience(self.audience.read(claims))
        role = self.role.read(claims)
        party = self.party.read(claims)
        if role is None:
            raise RefusedError("no role")
        if party is None and audience != "internal":
            raise RefusedError("an outside audience without a party")
        return audience, role, party


def _audience(word: str | None) -> Audience:
    """Return which graph the token opens."""
    for audience in AUDIENCES:
        if word == audience:
            return audience
    raise RefusedError("an audience that has no graph")


def check_text(value: object, name: str) -> str:
    """Return a value that is printable text of a reasonable length; raises RefusedError for others."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise RefusedError(f"{name} is not text")
    return value
