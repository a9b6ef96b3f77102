"""How often somebody tried and failed, and how often an address may ask: counted over all server processes.

Failures cost nothing up to a number; with each further one the wait doubles. They are forgotten after an hour
without another, or when the right proof is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from app.store.database import Transaction

FORGET_SECONDS: Final = 3600
"""After so long without a failure the count begins anew."""
FIRST_WAIT_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class Counter:
    """Failures of one kind: how many cost nothing, and the longest wait after one more, in seconds."""

    kind: str
    free: int
    longest: int


CLIENT: Final = Counter("client", 10, 900)
"""A client from one address: its secret cannot be guessed anyway."""
LOGIN: Final = Counter("login", 5, 900)
"""An account from one address."""
ACCOUNT: Final = Counter("account", 50, 300)
"""An account from anywhere: high and short, since whoever guesses holds up the rightful person as well."""
ADDRESS: Final = Counter("address", 50, 900)
"""All accounts from one address: many people may sit behind it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is counted: failures of a kind, for a name, from an address ("" where it does not matter)."""

    counter: Counter
    name: str
    address: str

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the statements below."""
        counter = self.counter
        return {
            "kind": counter.kind,
            "name": self.name,
            "address": self.address,
            "free": counter.free,
            "longest": counter.longest,
            "first": FIRST_WAIT_SECONDS,
        }


def login_places(name: str, address: str) -> tuple[Place, ...]:
    """Return where an attempt to log in counts; an account that does not exist counts like any other."""
    return (
        Place(LOGIN, name, address),
        Place(ACCOUNT, name, ""),
        Place(ADDRESS, "", address),
    )


async def seconds_to_wait(tx: Transaction, place: Place) -> int:
    """Return how long nobody is listened to there, 0 if it is not so."""
    left = await tx.fetch_value(_LEFT, place.parameters)
    return max(0, math.ceil(left)) if left is not None else 0


async def count_failure(tx: Transaction, place: Place) -> None:
    """Count one; what is too old is forgotten."""
    await tx.execute(_FORGET, {"forget": FORGET_SECONDS})
    await tx.execute(_COUNT, place.parameters)


async def forget_failures(tx: Transaction, place: Place) -> None:
    """Begin anew, after the right proof."""
    await tx.execute(_CLEAR, place.parameters)


async def take_back(tx: Transaction, place: Place) -> None:
    """Take one failure back: what was counted before it was known turned out good."""
    if not await tx.execute(f"{_CLEAR} AND failures = 1", place.parameters):
        await tx.execute(_TAKE_BACK, place.parameters)


async def spend_request(tx: Transaction, address: str, per_minute: int) -> int:
    """Count a request of an address; return 0 if it may go on, else the seconds to wait, uncounted.

    `per_minute` requests may come at once, and as many in each minute after. Addresses that have all of
    theirs again are forgotten.
    """
    parameters = {"address": address, "size": float(per_minute)}
    if await tx.fetch_value(_SPEND, parameters) is not None:
        return 0
    return math.ceil(60 / per_minute)


_WHERE: Final = "WHERE kind = %(kind)s AND name = %(name)s AND address = %(address)s"
_LEFT: Final = f"""
SELECT extract(epoch FROM last_at - clock_timestamp())
    + least(%(longest)s, %(first)s * 2 ^ least(failures - %(free)s, 20))
FROM identity.attempt {_WHERE} AND failures >= %(free)s
"""  # noqa: S608  a constant of this module
_FORGET: Final = """
DELETE FROM identity.attempt WHERE (kind, name, address) IN (
    SELECT kind, name, address FROM identity.attempt
    WHERE last_at < clock_timestamp() - make_interval(secs => %(forget)s) LIMIT 100 FOR UPDATE SKIP LOCKED)
"""
"""What somebody else is at is left to them: two who forget and count at once would wait for one another."""
_COUNT: Final = """
INSERT INTO identity.attempt AS a (kind, name, address, failures, last_at)
VALUES (%(kind)s, %(name)s, %(address)s, 1, clock_timestamp())
ON CONFLICT (kind, name, address) DO UPDATE SET failures = a.failures + 1, last_at = clock_timestamp()
"""
_CLEAR: Final = f"DELETE FROM identity.attempt {_WHERE}"  # noqa: S608  a constant of this module
_TAKE_BACK: Final = f"""
UPDATE identity.attempt SET failures = failures - 1 {_WHERE}
"""  # noqa: S608  a constant of this module
_REFILLED: Final = """least(%(size)s, r.remaining
    + extract(epoch FROM clock_timestamp() - r.at) * %(size)s / 60)"""
_SPEND: Final = f"""
WITH rested AS (
    DELETE FROM identity.request_rate WHERE address IN (
        SELECT address FROM identity.request_rate
        WHERE at < clock_timestamp() - interval '1 minute' AND address <> %(address)s
        LIMIT 100 FOR UPDATE SKIP LOCKED))
INSERT INTO identity.request_rate AS r (address, remaining) VALUES (%(address)s, %(size)s - 1)
ON CONFLICT (address) DO UPDATE SET remaining = {_REFILLED} - 1, at = clock_timestamp()
    WHERE {_REFILLED} >= 1
RETURNING remaining
"""  # noqa: S608  a constant of this module
