"""A plan ready to be explained: its problem built again from the inputs, with the decisions that were kept.

The host reads and builds; what a caller is shown of it is the business of the verbs beside this page. The
last few plans stay in memory, by the content of what was kept of them.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from threading import Lock

from app.access import HOST
from app.engine.explain import Explainer
from app.engine.flows import Flows, flows
from app.engine.solution import Decisions
from app.errors import BadValue, Conflict
from app.exchange.dataset import Dataset
from app.services.datasets import load_inputs
from app.services.explaining.working import Working, unpacked
from app.services.planning.build import PlanModel, build
from app.store.branches import At, Commit, resolve
from app.store.branches import commit as find_commit
from app.store.database import Database
from app.store.reconciliations import read_working

MOST_KEPT = 3


@dataclass(eq=False)
class PlanState:
    """A plan with everything that explains it; `lock` guards what its solver keeps between questions."""

    commit: Commit
    model: PlanModel
    working: Working
    lock: Lock = field(default_factory=Lock)
    _explainer: Explainer | None = None
    _flows: Flows | None = None

    @property
    def decisions(self) -> Decisions:
        """The decisions published, rounded."""
        return self.working.decisions

    def explainer(self) -> Explainer:
        """Return the explainer, made when first asked for; call with the lock held."""
        if self._explainer is None:
            self._explainer = Explainer(self.model.problem, self.working.weights or None)
        return self._explainer

    def flows(self) -> Flows:
        """Return the movements of the plan, laid out when first asked for; call with the lock held."""
        if self._flows is None:
            self._flows = flows(self.model.problem, self.decisions)
        return self._flows

    def bucket(self, day: date) -> int:
        """Return the planned bucket of a day; raises BadValue outside the published ones."""
        horizon = self.model.facts.horizon
        found = horizon.bucket_of(day) if day >= horizon.calendar.plan_date else None
        if found is None or found >= horizon.published:
            raise BadValue(field=["start"], expected="a day of an open bucket", found=day.isoformat())
        return found


_KEPT: OrderedDict[bytes, PlanState] = OrderedDict()


async def plan_state(database: Database, at: At | None) -> PlanState:
    """Return the plan at a state, ready to be explained.

    Raises NotFound for an unknown state, Conflict for one that is no reconciled plan with kept decisions.
    """
    async with database.read(HOST) as tx:
        commit = await resolve(tx, at)
        kept = await read_working(tx, commit)
        if kept is None or commit.inputs_commit_id is None:
            raise Conflict(reason="this state is no reconciled plan, or was made before decisions were kept")
        key = blake2b(kept).digest()
        known = _KEPT.get(key)
        if known is not None:
            _KEPT.move_to_end(key)
            return known if known.commit == commit else replace_commit(known, commit)
        dataset = await load_inputs(tx, await find_commit(tx, commit.inputs_commit_id))
    state = await asyncio.to_thread(_rebuilt, commit, dataset, kept)
    _KEPT[key] = state
    while len(_KEPT) > MOST_KEPT:
        _KEPT.popitem(last=False)
    return state


def replace_commit(known: PlanState, commit: Commit) -> PlanState:
    """Return the same plan under another commit, with what it has kept so far."""
    return replace(known, commit=commit)


def _rebuilt(commit: Commit, dataset: Dataset, kept: bytes) -> PlanState:
    working = unpacked(kept)
    model = build(dataset)
    model = replace(model, problem=working.loosened(model.problem))
    if not working.fits(model.problem):
        raise Conflict(reason="the problem of this plan is built otherwise by now: reconcile it again")
    return PlanState(commit, model, working)
