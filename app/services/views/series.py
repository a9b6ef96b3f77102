"""Series of one measure: by key, a page at a time, or added up by levels under the measure's rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.errors import BadId
from app.services.grants import require_measure
from app.services.views.aggregate import FloatArray, Per, Period, aggregate, group_index, periods
from app.services.views.filters import Selection, SeriesFilter, selection
from app.services.views.levels import LEVEL_KINDS, level_codes, require_one_unit
from app.services.views.pages import Page, page_after, page_of
from app.services.views.plans import PlanView
from app.services.views.records import LinkTree, Record, records_of
from app.services.views.weights import weights_for
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.series import read_series
from app.vocabulary import MEASURES, Measure

__all__ = ["LEVEL_KINDS", "SeriesFilter", "SeriesPage", "SeriesQuestion", "SeriesView", "series_page"]

SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class SeriesQuestion:
    """What is asked of a plan: a measure, which series, how added up, which page, which records beside it.

    `links` names levels whose records are wanted, with the references to follow from each.
    """

    measure: str
    filter: SeriesFilter
    group_by: tuple[str, ...] | None
    per: Per
    limit: int
    after: str | None = None
    links: Mapping[str, LinkTree] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A series or a group of them: the codes of its key by level, and values (P,) by period."""

    key: str
    codes: Mapping[str, str | None]
    values: FloatArray
    links: dict[str, Record | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """A page of series of one measure, with the periods that all values are aligned with."""

    measure: Measure
    periods: tuple[Period, ...]
    page: Page[SeriesView]


async def series_page(tx: Transaction, plan: PlanView, question: SeriesQuestion) -> SeriesPage:
    """Answer the question; raises `NotGranted` for a measure of which the role reads nothing."""
    require_measure(tx.scope, question.measure)
    if question.after is not None and question.after.isdigit() is not (question.group_by is None):
        raise BadId  # a key of the other kind of page
    measure = MEASURES[question.measure]
    spans = periods(plan.calendar.buckets, question.per)
    chosen = await selection(tx, plan.state, measure, question.filter)
    if chosen is None:
        page: Page[SeriesView] = Page((), (), False)
    elif question.group_by is None:
        page = await _by_key(tx, plan.state, question, measure=measure, spans=spans, chosen=chosen)
    else:
        page = await _by_level(tx, plan.state, question, measure=measure, spans=spans, chosen=chosen)
    await _link(tx, plan.state, page.rows, question.links)
    return SeriesPage(measure, spans, page)


async def _by_key(
    tx: Transaction,
    state: Commit,
    question: SeriesQuestion,
    *,
    measure: Measure,
    spans: Sequence[Period],
    chosen: Selection,
) -> Page[SeriesView]:
    """Return series by themselves, in the order in which the plan got to know them."""
    frame = await read_series(
        tx,
        state,
        measures=[measure.name],
        after=None if question.after is None else int(question.after),
        first=question.limit + 1,
        **chosen.arguments(),
    )
    values = frame.values
    if question.per != "bucket" and len(frame):
        weights = await weights_for(tx, state, measure, frame, chosen)
        index = np.arange(len(frame))
        values = aggregate(measure, values, index, len(frame), spans=spans, weights=weights)
    columns = {name: frame.column(name) for name in measure.grain}
    rows = [
        SeriesView(str(number), {name: column[row] for name, column in columns.items()}, values[row])
        for row, number in enumerate(frame.ids.tolist())
    ]
    return page_of(rows, question.limit, lambda row: row.key)


async def _by_level(
    tx: Transaction,
    state: Commit,
    question: SeriesQuestion,
    *,
    measure: Measure,
    spans: Sequence[Period],
    chosen: Selection,
) -> Page[SeriesView]:
    """Return series added up by the levels asked for, in the order of their codes."""
    levels = tuple(dict.fromkeys(question.group_by or ()))
    frame = await read_series(tx, state, measures=[measure.name], **chosen.arguments())
    codes, units = await level_codes(tx, state, measure, frame, levels)
    labels: list[tuple[str | None, ...]] = list(zip(*codes, strict=True)) if levels else [()] * len(frame)
    groups, index = group_index(labels)
    if units is not None:
        require_one_unit(measure, units, index.tolist())
    weights = await weights_for(tx, state, measure, frame, chosen)
    values = aggregate(measure, frame.values, index, len(groups), spans=spans, weights=weights)
    rows = [
        SeriesView(_label_key(group), dict(zip(levels, group, strict=True)), values[place])
        for place, group in enumerate(groups)
    ]
    rows.sort(key=lambda row: row.key)
    return page_after(rows, question.limit, question.after, lambda row: row.key)


def _label_key(label: Sequence[str | None]) -> str:
    """Return one text that sorts as the codes do; a missing code comes first."""
    return SEPARATOR.join("" if code is None else f" {code}" for code in label)


async def _link(
    tx: Transaction, state: Commit, rows: Sequence[SeriesView], links: Mapping[str, LinkTree]
) -> None:
    """Fill in the records behind the keys of a page, one read a level of references."""
    keys: dict[str, set[str]] = {}
    trees: dict[str, LinkTree] = {}
    for level, tree in links.items():
        kind = str(LEVEL_KINDS[level])
        keys.setdefault(kind, set()).update(
            code for row in rows if (code := row.codes.get(level)) is not None
        )
        trees[kind] = {**trees.get(kind, {}), **tree}
    found = await records_of(tx, state, keys, trees)
    for row in rows:
        for level in links:
            row.links[level] = found.get((str(LEVEL_KINDS[level]), str(row.codes.get(level))))
