"""Binding: from a principal and what its party holds today to the Scope of its transactions.

The look-up itself is `app.store.directory.bind`; this module is pure. Whoever is refused gets the same error:
unknown, suspended, of the wrong kind, without a code, or with a role that is not of its audience.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from app.access.policies import load
from app.access.scope import Scope, int_array
from app.auth import Principal
from app.errors import PartyRefused


@dataclass(frozen=True, slots=True)
class Reach:
    """What a department's assignments come to: codes to show, and the ids that its rows are compared with."""

    codes: tuple[str, ...]
    ids: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Holdings:
    """A party as main's head knows it. `regions` and `sites` are None where nothing is assigned: no limit."""

    party_id: int
    kind: str
    active: bool
    is_supplier: bool
    is_customer: bool
    regions: Reach | None
    sites: Reach | None


def scope_of(principal: Principal, holdings: Holdings | None) -> Scope:
    """Return the scope of a principal; raises `PartyRefused` for whom the policies grant nothing.

    A principal of the host without a party (the company as such) has no assignment and hence no limit.
    """
    parties = load().parties
    role = parties.role.get(principal.role)
    if role is None or role.audience != principal.audience:
        raise PartyRefused
    audience = parties.audience[role.audience]
    if principal.party is None and audience.party_kind != "department":
        raise PartyRefused
    if principal.party is not None and not _admitted(audience.party_kind, audience.holds, holdings):
        raise PartyRefused
    settings = {
        "concord.subject": principal.subject,
        "concord.as_role": principal.role,
        "concord.as_audience": principal.audience,
    }
    if principal.party is not None:
        settings["concord.as_party"] = principal.party
    if holdings is not None:
        settings["concord.party_id"] = str(holdings.party_id)
    if audience.party_kind == "department":
        settings |= _reach(holdings.regions if holdings else None, parties.scope["region"].unlimited)
        settings |= _reach(holdings.sites if holdings else None, parties.scope["site"].unlimited)
    return Scope(
        login=audience.login,
        role=role.database_role,
        settings=MappingProxyType(settings),
        principal=principal,
        regions=holdings.regions.codes if holdings and holdings.regions else None,
        sites=holdings.sites.codes if holdings and holdings.sites else None,
    )


def _admitted(kind: str | None, holds: str | None, holdings: Holdings | None) -> bool:
    """Say whether a party is known, active, of the audience's kind, and holds a code of its side."""
    if holdings is None or not holdings.active or holdings.kind != kind:
        return False
    held = {"supplier": holdings.is_supplier, "customer": holdings.is_customer}
    return holds is None or held[holds]


def _reach(reach: Reach | None, unlimited: str | None) -> dict[str, str]:
    """Return the settings of one scope: the ids, or that there is no limit."""
    if reach is None:
        return {unlimited: "on"} if unlimited else {}
    return {f"concord.{name}": int_array(ids) for name, ids in reach.ids.items()}
