"""A state of the plan as a dataset, and back: the one bridge between store and exchange."""

from collections.abc import Collection, Iterable

import numpy as np

from app.exchange.dataset import Dataset, SeriesBlock
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.deltas import SeriesChanges
from app.store.entities import read_entities
from app.store.identity import SeriesKey
from app.store.series import SeriesFrame, read_series
from app.vocabulary import ENTITIES, MEASURES

PLANNED_FROM = tuple(
    name
    for name, measure in MEASURES.items()
    if measure.kind in {"actual", "input"} or name == "baselineForecast"
)
"""Measures that a plan is made from; all others are its results."""


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
