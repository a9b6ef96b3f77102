"""Problems for tests: a small shop by hand, random networks from a seed, permutations."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from app.engine.problem import Activities, Demands, Inputs, Kind, Parameters, Problem, Resources, Stocks, Uses
from app.engine.solution import Stakeholder


def problem(
    periods: int,
    stocks: Stocks,
    activities: Activities,
    *,
    inputs: Inputs | None = None,
    resources: Resources | None = None,
    uses: Uses | None = None,
    demands: Demands,
    published: int | None = None,
    days: float = 7.0,
    parameters: Parameters | None = None,
) -> Problem:
    return Problem(
        buckets=tuple(f"b{t}" for t in range(periods)),
        days=np.full(periods, days),
        published=periods if published is None else published,
        stocks=stocks,
        activities=activities,
        inputs=inputs if inputs is not None else Inputs.of(periods=periods),
        resources=resources if resources is not None else Resources.of((), periods),
        uses=uses if uses is not None else Uses.of(periods=periods),
        demands=demands,
        parameters=parameters if parameters is not None else Parameters(),
    )


def random_problem(seed: int, periods: int = 5, blocks: int = 2) -> Problem:
    """Independent two-level shops: finished goods, components, a resource, two classes, sources, limits."""
    rng = np.random.default_rng(seed)
    finished, parts, sold = 2 * blocks, 2 * blocks, 4 * blocks
    stock_codes = [f"F{i}" for i in range(finished)] + [f"P{i}" for i in range(parts)]
    n = len(stock_codes)
    block_of_part = np.arange(parts) // 2
    stocks = Stocks.of(
        stock_codes,
        periods,
        opening=rng.integers(0, 8, n),
        receipts=rng.integers(0, 2, (n, periods)) * rng.integers(0, 4, (n, periods)),
        target=rng.integers(0, 3, n)[:, None],
        target_cost=3.0,
        holding_cost=rng.uniform(0.05, 0.4, (n, 1)),
        final_target=rng.integers(0, 4, n),
        final_cost=5.0,
        multiple=1.0,
    )
    make_lead, buy_lead = rng.integers(0, 2, finished), rng.integers(0, 2, 2 * parts)
    steps = np.arange(periods)
    upper = np.full((finished + 2 * parts, periods), np.inf)
    upper[finished:] = np.where(steps >= buy_lead[:, None], rng.integers(4, 15, (2 * parts, 1)), 0.0)
    lead = np.concatenate((make_lead, np.zeros(2 * parts, dtype=int)))
    activities = Activities.of(
        [f"make F{i}" for i in range(finished)] + [f"buy P{i // 2} from {i % 2}" for i in range(2 * parts)],
        periods,
        kind=[Kind.MAKE] * finished + [Kind.PURCHASE] * (2 * parts),
        stock=list(range(finished)) + [finished + i // 2 for i in range(2 * parts)],
        arrival=np.minimum(steps + lead[:, None], periods),
        upper=upper,
        cost=rng.uniform(1.0, 4.0, (finished + 2 * parts, 1)),
        smoothing_cost=np.where(np.arange(finished + 2 * parts) < finished, 0.2, 0.0),
        rate_before=0.5,
        multiple=1.0,
        quota_group=[-1] * finished + [i // 2 for i in range(2 * parts)],
        quota=0.5,
    )
    inputs = Inputs.of(
        np.repeat(np.arange(finished), 2),
        [finished + p for i in range(finished) for p in np.flatnonzero(block_of_part == i // 2)],
        rng.integers(1, 3, 2 * finished),
        periods,
    )
    resources = Resources.of(
        [f"R{b}" for b in range(blocks)],
        periods,
        regular=rng.uniform(6, 14, (blocks, periods)),
        overtime=3.0,
        regular_cost=1.0,
        overtime_cost=2.5,
    )
    uses = Uses.of(np.arange(finished), np.arange(finished) // 2, rng.uniform(0.5, 1.5, finished), periods)
    late = rng.integers(0, 3, sold)
    demands = Demands.of(
        [f"F{i // 2} class {i % 2 + 1}" for i in range(sold)],
        periods,
        stock=np.arange(sold) // 2,
        quantity=rng.integers(0, 9, (sold, periods)),
        price=rng.uniform(10, 30, (sold, 1)),
        late_cost=rng.uniform(0.2, 1.0, (sold, 1)),
        short_cost=rng.uniform(1, 5, (sold, 1)),
        latest=np.minimum(steps + late[:, None], periods - 1),
        rank=np.arange(sold) % 2 + 1,
        floor=0.1,
    )
    return problem(
        periods, stocks, activities, inputs=inputs, resources=resources, uses=uses, demands=demands
    )


def permuted(given: Problem, seed: int) -> Problem:
    """The same problem with the rows of every axis in another order."""
    rng = np.random.default_rng(seed)
    order = {name: rng.permutation(len(getattr(given, name).codes)) for name in
             ("stocks", "activities", "resources", "demands")}  # fmt: skip
    place = {name: np.argsort(index) for name, index in order.items()}

    def take(name, **changes):
        block, index = getattr(given, name), order[name]
        arrays = {f.name: getattr(block, f.name)[index] for f in fields(block) if f.name != "codes"}
        return replace(block, codes=tuple(block.codes[i] for i in index), **(arrays | changes))

    acts, demands = take("activities"), take("demands")
    return replace(
        given,
        stocks=take("stocks"),
        resources=take("resources"),
        activities=replace(acts, stock=place["stocks"][acts.stock]),
        demands=replace(demands, stock=place["stocks"][demands.stock]),
        inputs=replace(
            given.inputs,
            activity=place["activities"][given.inputs.activity],
            stock=place["stocks"][given.inputs.stock],
        ),
        uses=replace(
            given.uses,
            activity=place["activities"][given.uses.activity],
            resource=place["resources"][given.uses.resource],
        ),
    )


def by_code(block, values):
    """Rows of an array by the code of its axis."""
    return dict(zip(block.codes, values, strict=True))


COMMON = {"safety": -1.0, "terminal": -1.0}
EFFORT = dict.fromkeys(("purchase", "production", "regular", "overtime", "smoothing"), -1.0)


def departments():
    """Three stakeholders who want different things."""
    service = {"lateness": -1.0, "shortfall": -1.0, "priority": -1.0}
    return (
        Stakeholder("sales", {**COMMON, **service, "revenue": 1.0}),
        Stakeholder("operations", {**COMMON, **EFFORT}),
        Stakeholder("finance", {**COMMON, **EFFORT, "revenue": 1.0, "holding": -1.0, "priority": -1.0}),
    )
