"""A state of the plan as a dataset, and back: the one bridge between store and exchange."""

from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset, SeriesBlock
from app.exchange.dataset import SeriesKey as Codes
from app.store.branches import Commit, branches
from app.store.branches import commit as find_commit
from app.store.database import Transaction
from app.store.deltas import SeriesChanges
from app.store.entities import read_entities
from app.store.identity import SeriesKey
from app.store.series import SeriesFrame, read_series
from app.vocabulary import ENTITIES, MEASURES

Values = npt.NDArray[np.float64]

PLANNED_FROM = tuple(
    name
    for name, measure in MEASURES.items()
    if measure.kind in {"actual", "input"} or name == "baselineForecast"
)
"""Measures that a plan is made from; all others are its results."""


RESULTS = "plan/"
"""Branches that begin with this hold the results of reconciliations."""

WRITTEN_BY_PLANS = (
    "baselineForecast",
    "capacityAvailable",
    "consensusDemand",
    "inTransit",
    "openOrders",
    "openPurchaseOrders",
    "overtimeAvailable",
    "workInProcess",
)
"""Measures that a plan is made from, and that its result states as it understood them."""


async def load_inputs(tx: Transaction, commit: Commit) -> Dataset:
    """Return what a plan of this state is made from.

    A scenario that was forked from a plan shows figures that the plan derived, such as the consensus. They
    are not taken for submitted ones: what was not changed since is read from the inputs of that plan.
    """
    dataset = await load_dataset(tx, commit)
    result = await _plan_below(tx, commit)
    if result is None or result.inputs_commit_id is None or result.calendar_id != commit.calendar_id:
        return dataset
    inputs = await find_commit(tx, result.inputs_commit_id)
    states = [
        blocks_of(await read_series(tx, state, measures=WRITTEN_BY_PLANS))
        for state in (commit, result, inputs)
    ]
    kept = [block for block in dataset.series if block.measure not in WRITTEN_BY_PLANS]
    return Dataset(dataset.entities, kept + _changed_since(*states))


async def _plan_below(tx: Transaction, commit: Commit) -> Commit | None:
    """Return the newest result of a reconciliation that a state was forked from."""
    results = {one.id for one in await branches(tx) if one.name.startswith(RESULTS)}
    path = zip(commit.path_branches, commit.path_uptos, strict=True)
    upto = max((upto for branch_id, upto in path if branch_id in results), default=None)
    return None if upto is None else await find_commit(tx, upto)


def _changed_since(
    now: list[SeriesBlock], planned: list[SeriesBlock], inputs: list[SeriesBlock]
) -> list[SeriesBlock]:
    """Return the series of `inputs` with what differs between `planned` and `now` laid over them."""
    rows_now, rows_planned, rows = _rows(now), _rows(planned), _rows(inputs)
    for key, values in rows_now.items():
        if key not in rows_planned or not np.array_equal(values, rows_planned[key], equal_nan=True):
            rows[key] = values
    for key in rows_planned.keys() - rows_now.keys():
        rows.pop(key, None)
    measures = sorted({measure for measure, _ in rows})
    found = {name: {key: row for (measure, key), row in rows.items() if measure == name} for name in measures}
    return [SeriesBlock(name, list(of), np.array(list(of.values()))) for name, of in found.items()]


def _rows(blocks: list[SeriesBlock]) -> dict[tuple[str, Codes], Values]:
    return {
        (block.measure, key): values
        for block in blocks
        for key, values in zip(block.keys, block.values, strict=True)
    }


async def load_dataset(tx: Transaction, commit: Commit, measures: Collection[str] = PLANNED_FROM) -> Dataset:
    """Return reference data and the series of `measures` at a state."""
    entities = await read_entities(tx, commit, list(ENTITIES))
    return Dataset(entities, blocks_of(await read_series(tx, commit, measures=sorted(measures))))


def blocks_of(frame: SeriesFrame) -> list[SeriesBlock]:
    """Return the series of a frame by measure, keys in ascending order."""
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(frame.keys):
        rows.setdefault(key.measure, []).append(row)
    blocks = []
    for measure in sorted(rows):
        ordered = sorted(rows[measure], key=lambda row: tuple(code or "" for code in frame.keys[row][1:]))
        keys = [tuple(frame.keys[row][1:]) for row in ordered]
        blocks.append(SeriesBlock(measure, keys, frame.values[ordered]))
    return blocks


def series_changes(blocks: Iterable[SeriesBlock]) -> SeriesChanges:
    """Return the blocks as what their measures shall be: series that they do not name are removed."""
    kept = list(blocks)
    keys = [SeriesKey(block.measure, *key) for block in kept for key in block.keys]
    values = np.vstack([block.values for block in kept]) if keys else np.empty((0, 0))
    return SeriesChanges(keys=keys, values=values, exact=tuple(block.measure for block in kept))
