"""Levels that series are grouped by: the dimensions of their key, and what those belong to directly."""

from collections.abc import Sequence

from app.errors import GroupingUndefined
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.entities import read_entities
from app.store.series import SeriesFrame
from app.vocabulary import Measure

LEVEL_KINDS: dict[str, str | None] = {
    "item": "item",
    "family": "family",
    "site": "site",
    "to_site": "site",
    "supplier": "supplier",
    "customer": "customer",
    "region": "region",
    "channel": None,
    "resource": "resource",
}
"""The kind of reference data that a level's codes name; a channel is a code alone."""

ABOVE = {"family": ("item", "family"), "region": ("customer", "region"), "channel": ("customer", "channel")}
"""Levels that are no dimension of the key themselves: level -> (dimension below it, column of its row)."""

Codes = list[str | None]


async def level_codes(
    tx: Transaction, state: Commit, measure: Measure, frame: SeriesFrame, levels: Sequence[str]
) -> list[Codes]:
    """Return for each level the code of every row of `frame`; one read for all levels above the key."""
    for level in levels:
        if level not in measure.grain and ABOVE.get(level, ("",))[0] not in measure.grain:
            grain = ", ".join(measure.grain)
            raise GroupingUndefined(
                measure=measure.name, reason=f"it is kept by {grain}, not by {level}", field=["groupBy"]
            )
    kinds = sorted({ABOVE[level][0] for level in levels if level not in measure.grain})
    rows = await read_entities(tx, state, kinds) if kinds else {}
    return [_codes(frame, level, rows, direct=level in measure.grain) for level in levels]


async def require_one_unit(
    tx: Transaction, state: Commit, measure: Measure, frame: SeriesFrame, index: Sequence[int]
) -> None:
    """Raise `GroupingUndefined` where a group (`index`: of each row) would add up unlike units."""
    if "item" not in measure.grain or "UoM" not in measure.unit:
        return
    items = frame.column("item")
    rows = (await read_entities(tx, state, ["item"]))["item"]
    unit_of = {str(row["item"]): str(row["unit"]) for row in rows}
    units: dict[int, str] = {}
    for code, group in zip(items, index, strict=True):
        unit = unit_of.get(str(code), "")
        if units.setdefault(group, unit) != unit:
            reason = (
                f"{units[group]} and {unit} cannot be added up; narrow the filter, or group by item as well"
            )
            raise GroupingUndefined(measure=measure.name, reason=reason, field=["groupBy"])


def _codes(
    frame: SeriesFrame, level: str, rows: dict[str, list[dict[str, object]]], *, direct: bool
) -> Codes:
    if direct:
        return frame.column(level)
    kind, column = ABOVE[level]
    above = {row[kind]: row[column] for row in rows[kind]}
    found = (above.get(code) for code in frame.column(kind))
    return [None if code is None else str(code) for code in found]
