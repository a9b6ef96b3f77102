"""The principal: who is calling, as the token says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Audience = Literal["internal", "supplier", "customer"]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a token opens: a graph, and a role of a party in it."""

    audience: Audience
    role: str
    party: str | None


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose token was found valid.

    `party` is the code of a department of the host, of a supplier or of a customer; only a principal of the
    host may be without one. `expires_at` is in seconds since 1970-01-01 UTC.
    """

    subject: str
    audience: Audience
    party: str | None
    role: str
    expires_at: int
    issuer: str
    token_id: str
