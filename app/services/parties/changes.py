"""What has changed for a party between two of its releases, compared by date.

Both releases are read as they were given to the party, so nothing comes in that it has not been told. Each
release has its own buckets: the earlier figures are brought to the later release's dates first (shared out by
days where buckets differ), and dates that the earlier release does not reach count as no change.

Four statements, however many lines there are: the two releases and the lines of each.
"""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from app.services.parties.reading import LATEST, At, Paged, Released, own_party, release_at
from app.services.releasing.dates import adjoining, realign
from app.services.views.pages import Page, page_after
from app.store.database import Transaction
from app.store.releases import (
    Release,
    ReleasedAnswer,
    ReleasedProjection,
    ReleasedPurchaseOrder,
    ReleasedSalesOrder,
    read_lines,
)

SMALLEST = 1e-9
"""A difference below this share of the figure (or of one unit) is rounding of the sharing by days."""

Floats = npt.NDArray[np.float64]
Order = TypeVar("Order", ReleasedPurchaseOrder, ReleasedSalesOrder)
Row = TypeVar("Row", ReleasedProjection, ReleasedAnswer, ReleasedPurchaseOrder, ReleasedSalesOrder)


class ChangeKind(StrEnum):
    """What became of a line between the two releases."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Between(Generic[Row]):
    """The lines of two releases to one party by what tells a line from the others."""

    since: Release
    release: Release
    before: Mapping[str, Row]
    after: Mapping[str, Row]

    @property
    def keys(self) -> list[str]:
        """Keys of all lines of either release, in order."""
        return sorted(self.before.keys() | self.after.keys())

    def aligned(self, figures: Callable[[Row], Sequence[float]]) -> tuple[Floats, Floats]:
        """Return figures (keys, buckets of the later release) of before and after; no line = nothing."""
        then = _table(self.keys, self.before, figures, len(self.since.starts))
        now = _table(self.keys, self.after, figures, len(self.release.starts))
        buckets = adjoining(self.release.starts, self.release.ends)
        return realign(then, adjoining(self.since.starts, self.since.ends), buckets), now


def _table(
    keys: Sequence[str], lines: Mapping[str, Row], figures: Callable[[Row], Sequence[float]], width: int
) -> Floats:
    nothing = (0.0,) * width
    rows = [figures(lines[key]) if key in lines else nothing for key in keys]
    return np.array(rows, dtype=np.float64).reshape(len(keys), width)


@dataclass(frozen=True, slots=True)
class ProjectionChange:
    """A purchase projection that differs: quantities by bucket of `release`, in `line`'s unit.

    `line` is the later release's, or the earlier one's where the line was removed; NaN in `before` and
    `changes` where the earlier release does not reach.
    """

    kind: ChangeKind
    since: Release
    release: Release
    line: ReleasedProjection
    before: tuple[float, ...]
    quantities: tuple[float, ...]

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the line."""
        return getattr(self.line, name)

    @property
    def changes(self) -> tuple[float, ...]:
        """Quantity of the later release less that of the earlier one."""
        return _less(self.quantities, self.before)


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A supply answer that differs: requested and confirmed, before and now, by bucket of `release`."""

    kind: ChangeKind
    since: Release
    release: Release
    line: ReleasedAnswer
    requested_before: tuple[float, ...]
    requested: tuple[float, ...]
    confirmed_before: tuple[float, ...]
    confirmed: tuple[float, ...]

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the line."""
        return getattr(self.line, name)

    @property
    def changes(self) -> tuple[float, ...]:
        """Confirmed by the later release less confirmed by the earlier one."""
        return _less(self.confirmed, self.confirmed_before)


@dataclass(frozen=True, slots=True)
class OrderChange(Generic[Order]):
    """An open order line as both releases showed it; None where one of them does not have it."""

    kind: ChangeKind
    before: Released[Order] | None
    after: Released[Order] | None


async def projection_changes(
    tx: Transaction, audience: str, paged: Paged, *, since: At, at: At = LATEST, item: str | None = None
) -> Page[ProjectionChange]:
    """Return the projections that differ between two releases; raises NotFound for an unknown one."""
    between = await _between(tx, audience, ReleasedProjection, _projection_key, since=since, at=at, item=item)
    if between is None:
        return Page((), (), has_next=False)
    then, now = between.aligned(lambda line: [one * line.base_factor for one in line.quantities])
    found = []
    for key, before, quantities in zip(between.keys, then, now, strict=True):
        kind = _kind(key in between.before, key in between.after, ((before, quantities),))
        if kind is not None:
            line = between.after.get(key) or between.before[key]
            in_unit = (_tuple(before / line.base_factor), _tuple(quantities / line.base_factor))
            found.append((key, ProjectionChange(kind, between.since, between.release, line, *in_unit)))
    return _page(found, paged)


async def answer_changes(
    tx: Transaction, audience: str, paged: Paged, *, since: At, at: At = LATEST, item: str | None = None
) -> Page[AnswerChange]:
    """Return the supply answers that differ between two releases; raises NotFound for an unknown one."""
    between = await _between(tx, audience, ReleasedAnswer, _answer_key, since=since, at=at, item=item)
    if between is None:
        return Page((), (), has_next=False)
    asked_then, asked_now = between.aligned(lambda line: line.requested)
    then, now = between.aligned(
        lambda line: [one + other for one, other in zip(line.on_time, line.late, strict=True)]
    )
    found = []
    for key, asked, ask, before, confirmed in zip(
        between.keys, asked_then, asked_now, then, now, strict=True
    ):
        kind = _kind(key in between.before, key in between.after, ((asked, ask), (before, confirmed)))
        if kind is not None:
            line = between.after.get(key) or between.before[key]
            figures = (_tuple(asked), _tuple(ask), _tuple(before), _tuple(confirmed))
            found.append((key, AnswerChange(kind, between.since, between.release, line, *figures)))
    return _page(found, paged)


async def order_changes(
    tx: Transaction,
    audience: str,
    row_type: type[Order],
    paged: Paged,
    *,
    since: At,
    at: At = LATEST,
    item: str | None = None,
) -> Page[OrderChange[Order]]:
    """Return the open order lines that came, went or differ between two releases.

    Raises NotFound for an unknown release.
    """
    between = await _between(tx, audience, row_type, _order_key, since=since, at=at, item=item)
    if between is None:
        return Page((), (), has_next=False)
    found: list[tuple[str, OrderChange[Order]]] = []
    for key in between.keys:
        before, after = between.before.get(key), between.after.get(key)
        kind = _order_kind(before, after)
        if kind is not None:
            then = None if before is None else Released(between.since, before)
            now = None if after is None else Released(between.release, after)
            found.append((key, OrderChange(kind, then, now)))
    return _page(found, paged)


async def _between(
    tx: Transaction,
    audience: str,
    row_type: type[Row],
    key: Callable[[Row], str],
    *,
    since: At,
    at: At,
    item: str | None,
) -> Between[Row] | None:
    """Return the lines of both releases; None before the first one."""
    release = await release_at(tx, audience, at)
    earlier = await release_at(tx, audience, since)
    if release is None or earlier is None:
        return None
    lines = [
        {key(line): line for line in await read_lines(tx, row_type, own_party(tx), one.ordinal, item=item)}
        for one in (earlier, release)
    ]
    return Between(earlier, release, *lines)


def _kind(before: bool, after: bool, figures: Sequence[tuple[Floats, Floats]]) -> ChangeKind | None:
    """Return what became of a line; None where no date shows a difference.

    A line that only one release has, with nothing on it for the dates of the later one, has not changed.
    """
    differs = any(_differ(then, now) for then, now in figures)
    if before and after:
        return ChangeKind.CHANGED if differs else None
    beyond = after and any(np.any(now > 0) for _, now in figures)
    if not (differs or beyond):
        return None
    return ChangeKind.ADDED if after else ChangeKind.REMOVED


def _differ(then: Floats, now: Floats) -> bool:
    known = ~np.isnan(then)
    scale = np.maximum(1.0, np.maximum(np.abs(then[known]), np.abs(now[known])))
    return bool(np.any(np.abs(now[known] - then[known]) > SMALLEST * scale))


def _order_kind(before: Order | None, after: Order | None) -> ChangeKind | None:
    if before is None or after is None:
        return ChangeKind.ADDED if before is None else ChangeKind.REMOVED
    return None if _terms(before) == _terms(after) else ChangeKind.CHANGED


def _terms(line: ReleasedPurchaseOrder | ReleasedSalesOrder) -> Hashable:
    """Return what of an order line can change for the parties: names and our codes do not count."""
    if isinstance(line, ReleasedPurchaseOrder):
        return line.unit, line.quantity, line.due_date, line.status, line.site
    return line.unit, line.quantity, line.requested_date, line.promised_date, line.ship_to


def _projection_key(line: ReleasedProjection) -> str:
    return _joined(line.supplier, line.item, line.site)


def _answer_key(line: ReleasedAnswer) -> str:
    return _joined(line.customer, line.item, line.ship_to)


def _order_key(line: ReleasedPurchaseOrder | ReleasedSalesOrder) -> str:
    return _joined(line.order_number, f"{line.order_line:09}")


def _joined(*parts: str | None) -> str:
    """Return the parts as one text, different for different parts whatever characters they hold."""
    return json.dumps(parts, ensure_ascii=False)


Change = TypeVar("Change")


def _page(found: Sequence[tuple[str, Change]], paged: Paged) -> Page[Change]:
    return page_after(found, paged.limit, paged.after, lambda entry: entry[0]).map(lambda entry: entry[1])


def _less(now: Sequence[float], before: Sequence[float]) -> tuple[float, ...]:
    return tuple(one - other for one, other in zip(now, before, strict=True))


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())
