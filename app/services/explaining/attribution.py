"""`attribute`: what has made one plan differ from another, split over six groups of inputs (rule 48).

Every mixture of the two plans' inputs is planned, a group at a time from the one or the other, and the change
of each total is split by the Shapley value: the parts add up, and a group that did not change gets nothing.
Only groups that changed are mixed: n of them take 2^n plans, which share what they have solved.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import orjson

from app.access import HOST, Scope
from app.engine.arrays import FloatArray
from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.shapley import shapley
from app.errors import Conflict, LimitExceeded
from app.exchange.dataset import Dataset
from app.services.datasets import load_inputs
from app.services.grants import require_table
from app.services.planning.highlights import open_values
from app.services.planning.lookup import Row
from app.services.planning.run import Plan, make_plan
from app.services.planning.totals import plan_totals
from app.store.branches import At, Commit, resolve
from app.store.branches import commit as find_commit
from app.store.database import Database, Transaction
from app.vocabulary import ENTITIES, entity_key

Group = Literal["demand", "capacity", "cost", "price", "supply", "rules"]
GROUPS: Final[tuple[Group, ...]] = ("demand", "capacity", "cost", "price", "supply", "rules")
MONEY_TABLE = "plan.payoff"
"""Who reads this table may split money over groups of inputs."""

KINDS: Final[Mapping[str, Group]] = {
    **dict.fromkeys(("customer", "customer_membership", "region", "sales_order"), "demand"),
    **dict.fromkeys(("capacity", "holiday", "resource", "routing"), "capacity"),
    **dict.fromkeys(("item_cost", "lane_cost", "production_cost", "purchase_price", "resource_cost"), "cost"),
    "selling_price": "price",
    **dict.fromkeys(("consumption_rule", "planning_parameter", "service_class", "stock_policy"), "rules"),
}
"""Groups of kinds of reference data; all others are supply. Parameters that state costs are cost."""
MEASURES_OF: Final[Mapping[str, Group]] = {
    **dict.fromkeys(
        (
            "actualDemand", "actualRevenue", "annualPlan", "baselineForecast", "consensusDemand",
            "customerSignal", "customerStock", "marketingUplift", "openOrders", "pointOfSale",
            "salesForecast", "shipments",
        ),
        "demand",
    ),
    **dict.fromkeys(("capacityAvailable", "overtimeAvailable"), "capacity"),
}  # fmt: skip
"""Groups of measures; all others are supply."""
COST_PARAMETERS = frozenset({"costing", "holding_rate", "safety_cost", "smoothing_cost"})
QUANTITIES = ("constrainedDemand", "backlog", "unmetDemand")
REFERENCED = frozenset(
    column.references
    for kind in ENTITIES.values()
    for column in kind.columns.values()
    if column.references is not None
)


@dataclass(frozen=True, slots=True)
class Attributed:
    """A total in both plans, and the part of the change that each group of inputs has made."""

    total: str
    base: float
    target: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What a plan was made from."""

    dataset: Dataset
    rule: str


async def attribute(
    database: Database, scope: Scope, base: At, target: At, *, most_groups: int = len(GROUPS)
) -> list[Attributed]:
    """Split the change of every total between two reconciled plans over the groups of their inputs.

    Raises NotGranted for who does not read the payoff table, Conflict for states that are no plans or have
    different calendars, LimitExceeded where more than `most_groups` groups changed.
    """
    require_table(scope, MONEY_TABLE)
    async with database.read(HOST) as tx:
        first, second = [await _inputs(tx, await resolve(tx, at)) for at in (base, target)]
    changed = changed_groups(first, second)
    if len(changed) > most_groups:
        raise LimitExceeded(what="changed groups of inputs:", found=len(changed), limit=most_groups)
    return await asyncio.to_thread(attributed, first, second)


async def _inputs(tx: Transaction, commit: Commit) -> PlanInputs:
    if commit.inputs_commit_id is None or commit.rule is None:
        raise Conflict(reason="a state that is no reconciled plan has no totals to be split")
    inputs = await find_commit(tx, commit.inputs_commit_id)
    return PlanInputs(await load_inputs(tx, inputs), commit.rule)


def attributed(
    first: PlanInputs, second: PlanInputs, progress: Callable[[int, int], None] | None = None
) -> list[Attributed]:
    """Split the change of every total from the plan of the first inputs to that of the second."""
    if first.dataset.calendar != second.dataset.calendar:
        raise Conflict(reason="the two plans have different calendars: their totals are not of the same days")
    changed = changed_groups(first, second)
    cache: Cache[Result] = Cache()
    done: dict[frozenset[str], FloatArray] = {}

    def worth(chosen: frozenset[str]) -> FloatArray:
        mixture = mixed(first, second, chosen)
        done[chosen] = totals_of(make_plan(mixture.dataset, mixture.rule, cache=cache))
        if progress is not None:
            progress(len(done), 2 ** len(changed))
        return done[chosen]

    shares = shapley(changed, worth)
    base, target = done[frozenset()], done[frozenset(changed)]
    return [
        Attributed(
            name,
            float(base[place]),
            float(target[place]),
            {group: float(shares[group][place]) if group in shares else 0.0 for group in GROUPS},
        )
        for place, name in enumerate(total_names())
    ]


def total_names() -> tuple[str, ...]:
    """Return the totals that are split, in order."""
    money = ("revenue", "purchase", "production", "freight", "regular", "overtime", "holding", "safety")
    return (*money, "lateness", "shortfall", "margin", *QUANTITIES)


def totals_of(plan: Plan) -> FloatArray:
    """Return the totals of a plan over its published buckets, in the order of `total_names`."""
    dataset = plan.model.facts.dataset
    made = {block.measure for block in plan.series}
    kept = [block for block in dataset.series if block.measure not in made]
    whole = Dataset(dataset.entities, [*kept, *plan.series])
    values = plan_totals(whole)
    for measure in QUANTITIES:
        rows = open_values(whole, measure, "item").values()
        values[measure] = float(sum(row[-1] if measure == "backlog" else row.sum() for row in rows))
    return np.array([values[name] for name in total_names()])


def changed_groups(first: PlanInputs, second: PlanInputs) -> list[str]:
    """Return the groups in which two plans' inputs differ, in the order of GROUPS."""
    left, right = (_by_group(one) for one in (first, second))
    return [group for group in GROUPS if left[group] != right[group]]


def _by_group(inputs: PlanInputs) -> dict[str, list[bytes]]:
    """Return what belongs to each group as sorted texts, comparable."""
    found: dict[str, list[bytes]] = {group: [] for group in GROUPS}
    found["rules"].append(inputs.rule.encode())
    for kind, rows in inputs.dataset.entities.items():
        for row in rows:
            text = orjson.dumps([kind, dict(row)], option=orjson.OPT_SORT_KEYS)
            found[group_of(kind, row)].append(text)
    for block in inputs.dataset.series:
        for key, values in zip(block.keys, block.values, strict=True):
            if not np.isnan(values).all():
                text = orjson.dumps([block.measure, *key]) + (values + 0.0).astype("<f8").tobytes()
                found[MEASURES_OF.get(block.measure, "supply")].append(text)
    return {group: sorted(texts) for group, texts in found.items()}


def group_of(kind: str, row: Row) -> Group:
    """Return the group that a row of reference data belongs to."""
    if kind == "planning_parameter":
        name = str(row["parameter"])
        return "cost" if name in COST_PARAMETERS or name.startswith("rate.") else "rules"
    return KINDS.get(kind, "supply")


def mixed(first: PlanInputs, second: PlanInputs, chosen: frozenset[str]) -> PlanInputs:
    """Return the first plan's inputs with the groups `chosen` taken from the second.

    What others refer to (items, sites, customers …) is there from both, so that a mixture holds together; the
    row of the group's own side goes before.
    """
    sides = (first.dataset, second.dataset)
    entities = {kind: _rows(kind, sides, chosen) for kind in ENTITIES}
    series = [
        block
        for number, side in enumerate(sides)
        for block in side.series
        if (MEASURES_OF.get(block.measure, "supply") in chosen) == bool(number)
    ]
    return PlanInputs(Dataset(entities, series), second.rule if "rules" in chosen else first.rule)


def _rows(kind: str, sides: Sequence[Dataset], chosen: frozenset[str]) -> list[dict[str, object]]:
    own = [
        row
        for number, side in enumerate(sides)
        for row in side.entities[kind]
        if (group_of(kind, row) in chosen) == bool(number)
    ]
    if kind not in REFERENCED:
        return own
    known = {entity_key(kind, row) for row in own}
    return own + [row for side in sides for row in side.entities[kind] if entity_key(kind, row) not in known]
