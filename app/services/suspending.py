"""Suspending a party and reinstating it: its tokens, sessions and streams end at once, its data stay."""

from typing import Final

from app.access import DIRECTORY, IDENTITY, Scope, on_behalf
from app.errors import BadValue, Conflict, UnknownKey
from app.services.grants import require_action
from app.store.audit import Event, record
from app.store.database import Database
from app.store.directory import find_holdings
from app.store.suspensions import reinstate_party, suspend_party

LONGEST_REASON: Final = 500


async def suspend(database: Database, scope: Scope, party: str, *, reason: str) -> bool:
    """Keep a party out until it is reinstated; False if it was suspended already.

    Raises Forbidden, UnknownKey for a party that main does not know, BadValue for the reason, and Conflict
    for the caller's own party: nobody may be left who could reinstate it.
    """
    require_action(scope, "partySuspend")
    if not 1 <= len(reason.strip()) <= LONGEST_REASON or "\x00" in reason:
        raise BadValue(field=["reason"], expected=f"1 to {LONGEST_REASON} characters", found=len(reason))
    if scope.principal is not None and scope.principal.party == party:
        raise Conflict(reason="your own party cannot be suspended by you")
    await _require_party(database, party)
    async with database.write(on_behalf(IDENTITY, scope)) as tx:
        made = await suspend_party(tx, party, by=scope.subject, reason=reason)
        await record(tx, Event("grant", "party.suspend", party))
        return made


async def reinstate(database: Database, scope: Scope, party: str) -> bool:
    """Let a suspended party in again; False if it was not suspended. Raises Forbidden and UnknownKey."""
    require_action(scope, "partyReinstate")
    await _require_party(database, party)
    async with database.write(on_behalf(IDENTITY, scope)) as tx:
        changed = await reinstate_party(tx, party, by=scope.subject)
        await record(tx, Event("grant", "party.reinstate", party))
        return changed


async def _require_party(database: Database, party: str) -> None:
    """Raise UnknownKey for a party that main's head does not know."""
    async with database.read(DIRECTORY) as tx:
        if await find_holdings(tx, party) is None:
            raise UnknownKey(kind="party", name=party[:100])
