"""What a principal may see and do: `policies/*.toml` compiled to row-level security, and bound to a Scope.

`policies` reads the files, `checks` holds them total, `compile` turns them into SQL (applied by migrations),
`binding` makes the Scope that a transaction opens with, `grants` answers what code has to ask by itself.
"""

from app.access.binding import Holdings, Reach, scope_of
from app.access.grants import Grants, grants_of
from app.access.policies import Policies, load
from app.access.scope import (
    DIRECTORY,
    HOST,
    IDENTITY,
    JOBS,
    KEEPER,
    PUBLISHER,
    RECORDER,
    RETENTION,
    SEALER,
    Scope,
    acting_host,
    from_origin,
    on_behalf,
)

__all__ = [
    "DIRECTORY",
    "HOST",
    "IDENTITY",
    "JOBS",
    "KEEPER",
    "PUBLISHER",
    "RECORDER",
    "RETENTION",
    "SEALER",
    "Grants",
    "Holdings",
    "Policies",
    "Reach",
    "Scope",
    "acting_host",
    "from_origin",
    "grants_of",
    "load",
    "on_behalf",
    "scope_of",
]
