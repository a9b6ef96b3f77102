"""What to read from where: one `TableSpec` per table, the same for a native dataset and for a mapping."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Take = Literal["all", "history", "future"]
Total = Literal["sum", "max", "min"]


@dataclass(frozen=True, slots=True)
class CellRule:
    """How one target cell is made of a source row: a column, a constant or a template, then refined.

    The steps apply in this order: `empty` replaces an empty text, `values` maps words, `date` reads a
    foreign date format, `scale` multiplies. `total` and `ratio` make the table a grouped one: the rule
    totals its column (or divides two totals) over the source rows that agree in all other target cells.
    """

    column: str | None = None
    constant: str | None = None
    template: str | None = None
    empty: str | None = None
    values: Mapping[str, str] | None = None
    otherwise: str | None = None
    date: str | None = None
    scale: float | None = None
    total: Total | None = None
    ratio: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """What a source column must hold for its row to be taken; every stated part must be true (text order)."""

    isin: frozenset[str] | None = None
    notin: frozenset[str] | None = None
    starts_with: str | None = None
    first: str | None = None
    before: str | None = None
    above: float | None = None
    empty: bool | None = None


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table to read: into an entity kind or (`series`) a measure.

    `rows` are constant rows; otherwise `path` is read, whose name in findings is `file`. `columns` None means
    that the file's own header names the target columns. `take` says which buckets of a series are wanted;
    rows of others are left out and counted. `spread_quarters` replaces the history of each series by its
    quarters' totals spread evenly over their days.
    """

    target: str
    series: bool
    file: str
    path: Path | None = None
    columns: Mapping[str, CellRule] | None = None
    rows: tuple[Mapping[str, str], ...] = ()
    where: Mapping[str, Condition] = field(default_factory=dict)
    distinct: bool = False
    take: Take = "all"
    spread_quarters: bool = False
