"""Series of one measure: by key, a page at a time, or added up by levels under the measure's rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.errors import BadId
from app.services.grants import reads_in_part, require_measure
from app.services.views.aggregate import FloatArray, Period
from app.services.views.calendars import Timing
from app.services.views.figures import Question
from app.services.views.filters import SeriesFilter, selection
from app.services.views.levels import (
    LEVEL_KINDS,
    Grouping,
    Label,
    Labels,
    base_units,
    label_series,
    require_levels,
    require_one_unit,
    units_that_meet,
)
from app.services.views.pages import Page, page_after, page_of
from app.services.views.plans import PlanView
from app.services.views.records import LinkTree, Record, records_of
from app.services.views.units import told_in
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.series import read_series
from app.vocabulary import MEASURES, Measure

__all__ = [
    "LEVEL_KINDS",
    "Grouping",
    "SeriesFilter",
    "SeriesPage",
    "SeriesQuestion",
    "SeriesView",
    "Timing",
    "series_page",
]

SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class SeriesQuestion:
    """What is asked of a plan: a measure, which series, how added up, which page, which records beside it.

    `grouping` None asks for every series by itself. `links` names levels whose records are wanted, with the
    references to follow from each.
    """

    measure: str
    filter: SeriesFilter
    grouping: Grouping | None
    timing: Timing
    limit: int
    unit: str | None = None
    after: str | None = None
    links: Mapping[str, LinkTree] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LevelCode:
    """The group of a named level that figures are added up for; None = of what stands below no such group."""

    level: str
    code: str | None


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A series or a group of them: the codes of its key by level, and values (P,) by period."""

    key: str
    codes: Mapping[str, str | None]
    values: FloatArray
    groups: tuple[LevelCode, ...] = ()
    links: dict[str, Record | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """A page of series of one measure, with the periods that all values are aligned with.

    `partial` says that sums hold only the part of the measure that the caller's role reads.
    """

    measure: Measure
    periods: tuple[Period, ...]
    page: Page[SeriesView]
    unit: str
    partial: bool = False


async def series_page(tx: Transaction, plan: PlanView, question: SeriesQuestion) -> SeriesPage:
    """Answer the question; raises `NotGranted` for a measure of which the role reads nothing."""
    require_measure(tx.scope, question.measure)
    grouping = question.grouping
    if question.after is not None and question.after.isdigit() is not (grouping is None):
        raise BadId  # a key of the other kind of page
    measure = MEASURES[question.measure]
    if grouping is not None:
        require_levels(measure, grouping)
    spans = question.timing.spans(plan.calendar)
    chosen = await selection(tx, plan.state, measure, question.filter)
    page: Page[SeriesView] = Page((), (), False)
    if chosen is not None:
        asked = Question(measure, plan.state, plan.calendar, question.timing, spans, chosen, question.unit)
        if grouping is None:
            page = await _by_key(tx, asked, question)
        else:
            page = await _by_level(tx, asked, question, grouping)
    return await finished(tx, plan.state, question, spans, page)


async def finished(
    tx: Transaction,
    state: Commit,
    question: SeriesQuestion,
    spans: tuple[Period, ...],
    page: Page[SeriesView],
) -> SeriesPage:
    """Return a page with the records beside it, and what has to be said of its figures."""
    await _link(tx, state, page.rows, question.links)
    measure = MEASURES[question.measure]
    partial = _is_partial(tx, measure, question.grouping)
    return SeriesPage(measure, spans, page, told_in(measure, question.unit), partial)


def _is_partial(tx: Transaction, measure: Measure, grouping: Grouping | None) -> bool:
    """Say whether a sum may lack figures that the caller does not read; it depends on grants alone."""
    if grouping is None:
        return False
    apart = {level for level in grouping.levels if level in measure.grain or not grouping.dated}
    return reads_in_part(tx.scope, measure.name, apart)


async def _by_key(tx: Transaction, asked: Question, question: SeriesQuestion) -> Page[SeriesView]:
    """Return series by themselves, in the order in which the plan got to know them."""
    frame = await read_series(
        tx,
        asked.state,
        measures=[asked.measure.name],
        after=None if question.after is None else int(question.after),
        first=question.limit + 1,
        **asked.chosen.arguments(),
    )
    values = frame.values
    summed = question.timing.per != "bucket"
    if len(frame) and (summed or question.unit is not None):
        rows = await asked.reference(tx, set())
        figures = await asked.figures(tx, frame, rows, summed=summed)
        each = Labels([(str(number),) for number in frame.ids.tolist()], np.arange(len(frame)))
        values = asked.added_up(figures, each, rows)[1] if summed else figures.values
    columns = {name: frame.column(name) for name in asked.measure.grain}
    views = [
        SeriesView(str(number), {name: column[row] for name, column in columns.items()}, values[row])
        for row, number in enumerate(frame.ids.tolist())
    ]
    return page_of(views, question.limit, lambda view: view.key)


async def _by_level(
    tx: Transaction, asked: Question, question: SeriesQuestion, grouping: Grouping
) -> Page[SeriesView]:
    """Return series added up by the levels asked for, in the order of their codes."""
    measure = asked.measure
    frame = await read_series(tx, asked.state, measures=[measure.name], **asked.chosen.arguments())
    meeting = question.unit is None and units_that_meet(measure, grouping)
    rows = await asked.reference(tx, grouping.kinds(measure) | ({"item"} if meeting else set()))
    labels = label_series(measure, frame, grouping, rows, asked.calendar.starts)
    if meeting:
        units = base_units(frame, rows)
        require_one_unit(measure, [units[row] for row in labels.source.tolist()], labels.labels)
    groups, values = asked.added_up(await asked.figures(tx, frame, rows), labels, rows)
    return group_page(grouping, groups, values, question)


def group_page(
    grouping: Grouping, groups: Sequence[Label], values: FloatArray, question: SeriesQuestion
) -> Page[SeriesView]:
    """Return the page of groups with their values (groups, P) that a question asks for, by their codes."""
    views = [_group_view(grouping, group, values[place]) for place, group in enumerate(groups)]
    views.sort(key=lambda view: view.key)
    return page_after(views, question.limit, question.after, lambda view: view.key)


def _group_view(grouping: Grouping, label: Label, values: FloatArray) -> SeriesView:
    apart = len(grouping.levels)
    named = tuple(LevelCode(level, code) for level, code in zip(grouping.named, label[apart:], strict=True))
    return SeriesView(_label_key(label), dict(zip(grouping.levels, label, strict=False)), values, named)


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
