"""Levels that series are grouped by: dimensions of their key, the groups of those, and named levels above."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from app.dimensions.hierarchies import HIERARCHIES, LEVEL, NOW, Eras, Hierarchy, Structure, eras
from app.errors import GroupingUndefined, UnknownKey
from app.services.views.aggregate import WEIGHTS, FloatArray, IntArray
from app.services.views.keyed import Keyed
from app.vocabulary import MEASURES, Measure

LEVEL_KINDS: dict[str, str | None] = {
    "item": "item",
    "family": "family",
    "site": "site",
    "area": "area",
    "to_site": "site",
    "supplier": "supplier",
    "supplier_group": "supplier_group",
    "customer": "customer",
    "region": "region",
    "channel": None,
    "resource": "resource",
}
"""The kind of reference data that a level's codes name; a channel is a code alone."""

Codes = list[str | None]
Label = tuple[str | None, ...]
Rows = Mapping[str, Sequence[Mapping[str, object]]]
Find = Callable[[str | None, date | None], str | None]
"""From a member's code and a day (None = today) to the code of its group."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What series are added up by.

    `levels` are dimensions and the lowest groups above them, `named` levels of the hierarchies. `dated` puts
    every bucket under the groups that hold when it starts; else all stand under those of today (rule H4).
    """

    levels: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    dated: bool = False

    @property
    def width(self) -> int:
        """Number of codes in a label."""
        return len(self.levels) + len(self.named)

    def kinds(self, measure: Measure) -> set[str]:
        """Return the kinds that have to be read to group a measure."""
        if self.named:
            found = [one for one in HIERARCHIES.values() if _reaches(measure, one)]
            return {kind for one in found for kind in one.kinds} | {LEVEL}
        above = [HIERARCHIES[level] for level in self.levels if level not in measure.grain]
        if self.dated:
            return {kind for one in above for kind in (one.dimension, one.dated)}
        return {one.dimension for one in above}


def _reaches(measure: Measure, hierarchy: Hierarchy) -> bool:
    return hierarchy.dimension in measure.grain or hierarchy.name in measure.grain


def require_levels(measure: Measure, grouping: Grouping) -> None:
    """Raise `GroupingUndefined` for a level that the measure is not kept by."""
    for level in grouping.levels:
        above = HIERARCHIES.get(level)
        if level not in measure.grain and (above is None or above.dimension not in measure.grain):
            raise _not_kept(measure, level, "groupBy")


def _not_kept(measure: Measure, level: str, field: str) -> GroupingUndefined:
    reason = f"it is kept by {', '.join(measure.grain)}, not by {level}"
    return GroupingUndefined(measure=measure.name, reason=reason, field=[field])


@dataclass(frozen=True, slots=True)
class Labels:
    """Groups of series: row `source[k]` counts under `labels[k]` in the buckets of `held[k]` (None = all).

    A series that moves from one group to another is there once for each.
    """

    labels: list[Label]
    source: IntArray
    held: FloatArray | None = None

    def spread(self, values: FloatArray) -> FloatArray:
        """Return values (n, T) of the series as rows for the labels, NaN where a label does not hold."""
        rows = values[self.source]
        return rows if self.held is None else rows * self.held


def label_series(
    measure: Measure, frame: Keyed, grouping: Grouping, rows: Rows, starts: Sequence[date]
) -> Labels:
    """Return under which labels each series counts; `starts` are those of the calendar's buckets.

    Raises `UnknownKey` for a level that no row names, `GroupingUndefined` for one of another dimension.
    """
    finders = [_finder(measure, level, rows) for level in grouping.levels]
    finders += [_named_finder(measure, name, rows) for name in grouping.named]
    when = eras(starts, _changes(grouping, rows)) if grouping.dated else NOW
    by_era = [_labels_on(frame, finders, day) for day in when.days]
    if len(by_era) <= 1:
        return Labels(by_era[0], np.arange(len(frame), dtype=np.int64))
    return _over_eras(by_era, when)


def _changes(grouping: Grouping, rows: Rows) -> frozenset[date]:
    known = [Structure(one, rows) for one in HIERARCHIES.values() if one.dimension in rows]
    return frozenset[date]().union(*(structure.changes for structure in known))


def _finder(measure: Measure, level: str, rows: Rows) -> tuple[str, Find]:
    """Return the dimension that a level is found from, and how."""
    if level in measure.grain:
        return level, lambda code, day: code
    hierarchy = HIERARCHIES[level]
    return hierarchy.dimension, Structure(hierarchy, rows).group_of


def _named_finder(measure: Measure, name: str, rows: Rows) -> tuple[str, Find]:
    named = {str(row["level"]): str(row["hierarchy"]) for row in rows.get(LEVEL, ())}
    if name not in named:
        raise UnknownKey(field=["levels"], kind="level", name=name)
    hierarchy = HIERARCHIES[named[name]]
    structure = Structure(hierarchy, rows)
    if hierarchy.dimension in measure.grain:
        return hierarchy.dimension, lambda code, day: structure.at_level(
            structure.group_of(code, day), name, day
        )
    if hierarchy.name in measure.grain:
        return hierarchy.name, lambda code, day: structure.at_level(code, name, day)
    raise _not_kept(measure, name, "levels")


def _labels_on(frame: Keyed, finders: Sequence[tuple[str, Find]], day: date | None) -> list[Label]:
    columns = []
    for dimension, find in finders:
        codes = frame.column(dimension)
        found = {code: find(code, day) for code in set(codes)}
        columns.append([found[code] for code in codes])
    return list(zip(*columns, strict=True)) if columns else [()] * len(frame)


def _over_eras(by_era: Sequence[list[Label]], when: Eras) -> Labels:
    """Return the labels of series of which some move between eras."""
    era_of_bucket = np.array(when.of_bucket)
    masks: dict[tuple[int, ...], FloatArray] = {}
    labels: list[Label] = []
    source: list[int] = []
    held: list[FloatArray] = []
    always = np.ones(len(era_of_bucket))
    for row, by_row in enumerate(zip(*by_era, strict=True)):
        for label in dict.fromkeys(by_row):
            mine = tuple(number for number, one in enumerate(by_row) if one == label)
            if len(mine) < len(by_row) and mine not in masks:
                masks[mine] = np.where(np.isin(era_of_bucket, mine), 1.0, np.nan)
            labels.append(label)
            source.append(row)
            held.append(masks.get(mine, always))
    found = np.array(held).reshape(len(labels), len(era_of_bucket))
    return Labels(labels, np.array(source, dtype=np.int64), found)


def units_that_meet(measure: Measure, grouping: Grouping) -> bool:
    """Say whether figures, or the weights of a quotient, could be added up in different units of measure."""
    counted = [measure, *(MEASURES[name] for name in WEIGHTS.get(measure.name, ()))]
    mixes = "item" in measure.grain and "item" not in grouping.levels
    return mixes and any("UoM" in one.unit for one in counted)


def base_units(frame: Keyed, rows: Rows) -> Codes:
    """Return the base unit of each series' item."""
    units = {row["item"]: row["unit"] for row in rows["item"]}
    found = (units.get(code) for code in frame.column("item"))
    return [None if unit is None else str(unit) for unit in found]


def require_one_unit(measure: Measure, units: Codes, groups: Collection[Hashable]) -> None:
    """Raise `GroupingUndefined` where one of `groups` (of each row) would add up unlike units."""
    found: dict[Hashable, str | None] = {}
    for unit, group in zip(units, groups, strict=True):
        if found.setdefault(group, unit) != unit:
            reason = (
                f"{found[group]} and {unit} cannot be added up; name a unit, narrow the filter, "
                "or group by item too"
            )
            raise GroupingUndefined(measure=measure.name, reason=reason, field=["groupBy"])
