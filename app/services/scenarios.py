"""`scenarioCreate`: a branch of inputs to try things on, forked from any state; nothing is copied."""

import re

from app.access import Scope
from app.errors import BadValue
from app.services.grants import require_action
from app.services.views.history import BranchView, find_branch
from app.store.audit import Event, record
from app.store.branches import MAIN, At, fork, resolve
from app.store.database import Database, Transaction
from app.store.idempotency import given_answer, keep_answer, request_hash

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
RESULTS = "plan/"
"""Branches that begin with this hold the results of reconciliations."""


async def create_scenario(
    database: Database,
    scope: Scope,
    name: str,
    *,
    source: At | None = None,
    idempotency_key: str | None = None,
) -> BranchView:
    """Fork a branch from a state, by default the head of main; raises `Conflict` where the name is taken.

    With a key, the same request again returns the branch as it is by then.
    """
    require_action(scope, "scenarioCreate")
    if not NAME.fullmatch(name) or name.startswith(RESULTS) or name == MAIN:
        expected = f"1 to 100 letters, digits and ._/-, not beginning with {RESULTS}"
        raise BadValue(field=["name"], expected=expected, found=name[:100])
    start = At(branch=MAIN) if source is None else source
    async with database.write(scope) as tx:
        if idempotency_key is None:
            return await _fork(tx, start, name)
        digest = request_hash({"act": "scenarioCreate", "name": name, "source": repr(start)})
        if await given_answer(tx, idempotency_key, digest) is None:
            await keep_answer(tx, idempotency_key, digest, {"branch": name})
            return await _fork(tx, start, name)
        return await find_branch(tx, name)


async def _fork(tx: Transaction, start: At, name: str) -> BranchView:
    source = await resolve(tx, start)
    made = await fork(tx, source, name, author=tx.scope.subject)
    await record(tx, Event("write", "scenarioCreate", target=name, branch=name, after=source.id))
    return await find_branch(tx, made.name)
