"""Scope: what one database transaction opens with, so that PostgreSQL knows for whom it runs.

A Scope names the login role (which connection pool), the business role that the transaction becomes and the
`concord.*` settings that the row policies read. `app.store.directory.bind` makes it for a principal; for
Concord's own work it is one of the constants below. No statement runs without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from app.auth import Principal

WHO: Final = frozenset(
    {"concord.subject", "concord.as_role", "concord.as_audience", "concord.as_party", "concord.origin"}
)
"""Settings that say who acts, as what, and from where; the audit log takes them, row policies the subject."""


def int_array(values: Iterable[int]) -> str:
    """Return ids as a PostgreSQL array literal, sorted and without repeats: `{1,2,5}`."""
    return "{" + ",".join(str(value) for value in sorted(set(values))) + "}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Login role, business role and settings of one transaction, and the principal it runs for."""

    login: str
    """Login role, which is also the name of its pool: concord_internal, concord_supplier, …"""
    role: str
    """Business role in the database, such as concord_sales."""
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Settings that the row policies read, names with the prefix `concord.`; an absent one means no rows."""
    principal: Principal | None = None
    """Who is calling; None only in the scopes of Concord's own work."""
    regions: tuple[str, ...] | None = None
    """Regions that the caller's department is responsible for, those below included; None = no limit."""
    sites: tuple[str, ...] | None = None
    """Sites that the caller's department is responsible for; None = no limit."""

    @property
    def party_id(self) -> int | None:
        """The id of the caller's party, None in the scopes of Concord's own work."""
        value = self.settings.get("concord.party_id")
        return int(value) if value else None

    @property
    def subject(self) -> str:
        """Who acts, as the plan database records it: the token's subject, or `concord` for its own work."""
        return self.settings.get("concord.subject", "concord")


def acting_host(scope: Scope) -> Scope:
    """Return the host's scope with the caller's name in it: the host writes, the caller did it."""
    return on_behalf(HOST, scope)


def on_behalf(own: Scope, scope: Scope) -> Scope:
    """Return one of Concord's own scopes with the name of whom it works for, as the audit log tells it."""
    who = {name: value for name, value in scope.settings.items() if name in WHO}
    return replace(own, settings=MappingProxyType({**own.settings, **who}))


def from_origin(scope: Scope, origin: str) -> Scope:
    """Return the scope with the place that its acts come from."""
    return replace(scope, settings=MappingProxyType({**scope.settings, "concord.origin": origin}))


HOST: Final = Scope("concord_service", "concord_host", MappingProxyType({"concord.subject": "concord"}))
"""The host's own work: import, taking in the inbox, runs, publication. No person is ever bound to it."""

IDENTITY: Final = Scope("concord_service", "concord_identity")
"""The built-in issuer: registered clients, and what is kept about their tokens; nothing of the plan."""

PUBLISHER: Final = Scope("concord_service", "concord_publisher")
"""Publication: seals and releases. No other role writes releases."""

JOBS: Final = Scope("concord_service", "concord_jobs")
"""Takes jobs off the queue; what a job does, it does as the host."""

RECORDER: Final = Scope("concord_service", "concord_recorder")
"""Writes audit events of acts that have no transaction of their own; reads nothing."""

RETENTION: Final = Scope("concord_service", "concord_retention")
"""Deletes what no kept state of the plan can see."""

SEALER: Final = Scope("concord_service", "concord_sealer")
"""Chains the audit log; sees pseudonyms, no names."""

KEEPER: Final = Scope("concord_service", "concord_keeper")
"""Reads, checks and erases in the audit log for the command line."""

DIRECTORY: Final = Scope("concord_service", "concord_directory")
"""Looks up parties, codes, regions and sites while a principal is bound; reads nothing else."""
