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
) -> tuple[list[Codes], Codes | None]:
    """Return for each level the code of every row of `frame`, and the unit of every row's quantity.

    The units are None where nothing unlike can meet: the measure is no quantity of items, or items stay
    apart. One read serves everything above the key.
    """
    for level in levels:
        if level not in measure.grain and ABOVE.get(level, ("",))[0] not in measure.grain:
            grain = ", ".join(measure.grain)
            raise GroupingUndefined(
                measure=measure.name, reason=f"it is kept by {grain}, not by {level}", field=["groupBy"]
            )
    mixes = "item" in measure.grain and "item" not in levels and "UoM" in measure.unit
    kinds = {ABOVE[level][0] for level in levels if level not in measure.grain} | (
        {"item"} if mixes else set()
    )
    rows = await read_entities(tx, state, sorted(kinds)) if kinds else {}
    codes = [_codes(frame, level, rows, direct=level in measure.grain) for level in levels]
    return codes, _above(frame, rows, "item", "unit") if mixes else None


def require_one_unit(measure: Measure, units: Codes, index: Sequence[int]) -> None:
    """Raise `GroupingUndefined` where a group (`index`: of each row) would add up unlike units."""
    found: dict[int, str | None] = {}
    for unit, group in zip(units, index, strict=True):
        if found.setdefault(group, unit) != unit:
            reason = f"{found[group]} and {unit} cannot be added up; narrow the filter, or group by item too"
            raise GroupingUndefined(measure=measure.name, reason=reason, field=["groupBy"])


def _codes(
    frame: SeriesFrame, level: str, rows: dict[str, list[dict[str, object]]], *, direct: bool
) -> Codes:
    if direct:
        return frame.column(level)
    return _above(frame, rows, *ABOVE[level])


def _above(frame: SeriesFrame, rows: dict[str, list[dict[str, object]]], kind: str, column: str) -> Codes:
    """Return a column of the reference data that each row's key names."""
    above = {row[kind]: row[column] for row in rows[kind]}
    found = (above.get(code) for code in frame.column(kind))
    return [None if code is None else str(code) for code in found]
