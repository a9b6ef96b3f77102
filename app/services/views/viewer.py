"""Who is asking, and what the policies grant."""

from dataclasses import dataclass

from app.access import Scope
from app.errors import ScopeMissing
from app.services.grants import grants_in
from app.vocabulary import MEASURES


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller; `regions` and `sites` are None where nothing narrows it."""

    subject: str
    audience: str
    party: str | None
    role: str
    regions: tuple[str, ...] | None
    sites: tuple[str, ...] | None
    reads: tuple[str, ...]
    submits: tuple[str, ...]
    actions: tuple[str, ...]


def viewer(scope: Scope) -> Viewer:
    """Return the caller of a scope; Concord's own scopes stand for nobody and have none."""
    principal, grants = scope.principal, grants_in(scope)
    if principal is None or grants is None:
        raise ScopeMissing
    return Viewer(
        subject=principal.subject,
        audience=principal.audience,
        party=principal.party,
        role=principal.role,
        regions=scope.regions,
        sites=scope.sites,
        reads=tuple(name for name in MEASURES if grants.reads(name)),
        submits=tuple(name for name in MEASURES if name in grants.submits),
        actions=tuple(sorted(grants.actions)),
    )
