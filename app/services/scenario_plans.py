"""Several scenarios reconciled in one go, and side by side (`reconciledPlans`, `scenarios`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from app.access import Scope
from app.errors import LimitExceeded
from app.services.reconciled_plan import Reconciled, reconciled_plan
from app.store.branches import At
from app.store.database import Database

MOST = 10


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """A branch of inputs and its reconciled plan, or the run that leads to it."""

    branch: str
    reconciled: Reconciled


async def reconciled_plans(
    database: Database, scope: Scope, branches: Sequence[str], rule: str, wait_seconds: float = 0.0
) -> list[ScenarioPlan]:
    """Return the plans of several branches under one rule; all runs are asked for before any is awaited.

    Scenarios share what they have in common: a worker keeps the answers of components by content. Raises
    LimitExceeded for more than MOST branches.
    """
    if len(branches) > MOST:
        raise LimitExceeded(what="branches:", found=len(branches), limit=MOST)
    until = monotonic() + wait_seconds
    addresses = [At(branch=name) for name in branches]
    found = [await reconciled_plan(database, scope, at, rule) for at in addresses]
    for place, at in enumerate(addresses):
        if found[place].commit is None and wait_seconds > 0:
            left = max(until - monotonic(), 0.0)
            found[place] = await reconciled_plan(database, scope, at, rule, left)
    return [ScenarioPlan(name, one) for name, one in zip(branches, found, strict=True)]
