"""Edits at a level: what can be asked, and what can be said against it before any series is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal

from app.access import Scope, load
from app.errors import (
    BadValue,
    ConcordError,
    Forbidden,
    GroupingUndefined,
    MeasureReadOnly,
    NotGranted,
    RowsHidden,
)
from app.services.grants import grants_in, reads_measure, submits_measure
from app.services.submit_checks import MAX_VALUE, SUBMITTABLE, envelope_problems
from app.services.views.aggregate import Per, is_quotient
from app.services.views.filters import SeriesFilter
from app.store.idempotency import request_hash
from app.vocabulary import MEASURES, Measure

MAX_EDITS = 100
MAX_PERIODS = 1000
SplitKind = Literal["proportional", "even", "last_year"]


@dataclass(frozen=True, slots=True)
class SplitBy:
    """The rule of a split: in proportion to a measure, evenly, or as a measure was a year before."""

    kind: SplitKind
    measure: str | None = None


@dataclass(frozen=True, slots=True)
class SpreadEdit:
    """Figures for all series of a measure within a selection, from the period that holds `start` on.

    None leaves a period alone; `unit` is what the figures count, `keep` are series that keep theirs.
    """

    measure: str
    within: SeriesFilter
    start: date
    per: Per
    values: tuple[float | None, ...]
    by: SplitBy
    unit: str | None = None
    keep: SeriesFilter | None = None


@dataclass(frozen=True, slots=True)
class SpreadRequest:
    """What is asked for; `expected_head` is the commit that the caller has seen last on the branch."""

    branch: str
    reason: str
    idempotency_key: str
    expected_head: int | None
    edits: tuple[SpreadEdit, ...]

    def digest(self) -> bytes:
        """Return what tells this request from another one under the same key."""
        edits = [{**asdict(edit), "start": edit.start.isoformat()} for edit in self.edits]
        return request_hash(
            {
                "act": "seriesSpread",
                "branch": self.branch,
                "reason": self.reason,
                "expected_head": self.expected_head,
                "edits": edits,
            }
        )


def request_problems(scope: Scope, request: SpreadRequest) -> Iterator[ConcordError]:
    """Yield what is wrong with the request as far as grants and its own values tell."""
    yield from envelope_problems(request.reason, request.idempotency_key)
    if not 1 <= len(request.edits) <= MAX_EDITS:
        yield BadValue(field=["edits"], expected=f"1 to {MAX_EDITS} edits", found=str(len(request.edits)))
    for row, edit in enumerate(request.edits):
        for problem in _edit_problems(scope, edit):
            yield placed(problem, row)


def placed(problem: ConcordError, row: int) -> ConcordError:
    """Return a problem with the place of its edit in front of its own."""
    field = problem.details.get("field", ())
    problem.details |= {"field": ["edits", row, *(field if isinstance(field, list) else ())], "row": row}
    return problem


def _edit_problems(scope: Scope, edit: SpreadEdit) -> Iterator[ConcordError]:
    measure = MEASURES[edit.measure]
    if edit.measure not in SUBMITTABLE:
        yield MeasureReadOnly(field=["measure"], measure=edit.measure, kind=measure.kind)
    elif not submits_measure(scope, edit.measure):
        yield Forbidden(field=["measure"])
    if measure.time_rule != "sum" and edit.per != "bucket":
        expected = "BUCKET: the measure does not add up over time"
        yield BadValue(field=["per"], expected=expected, found=edit.per.upper())
    yield from _value_problems(measure, edit.values)
    if edit.by.measure is not None:
        yield from _rule_problems(scope, measure, MEASURES[edit.by.measure])
    narrower = _not_narrowed(scope, edit)
    if narrower:
        yield RowsHidden(field=["within"], measure=edit.measure, narrower=narrower)


def _value_problems(measure: Measure, values: Sequence[float | None]) -> Iterator[ConcordError]:
    if not 1 <= len(values) <= MAX_PERIODS:
        yield BadValue(field=["values"], expected=f"1 to {MAX_PERIODS} values", found=str(len(values)))
    for place, value in enumerate(values):
        if value is not None and value < 0 and not measure.signed:
            yield BadValue(field=["values", place], expected="a number not below 0", found=f"{value:g}")
        elif value is not None and not abs(value) <= MAX_VALUE:
            expected = f"a number of at most {MAX_VALUE:g}"
            yield BadValue(field=["values", place], expected=expected, found=f"{value:g}")


def _rule_problems(scope: Scope, measure: Measure, profile: Measure) -> Iterator[ConcordError]:
    if not reads_measure(scope, profile.name):
        yield NotGranted(field=["by"], measure=profile.name)
    if is_quotient(profile):
        yield GroupingUndefined(field=["by"], measure=profile.name, reason="it is a quotient, no quantity")
    elif not set(measure.grain) <= set(profile.grain):
        reason = f"it is kept by {', '.join(profile.grain)}, {measure.name} by {', '.join(measure.grain)}"
        yield GroupingUndefined(field=["by"], measure=profile.name, reason=reason)


def _not_narrowed(scope: Scope, edit: SpreadEdit) -> str | None:
    """Return by what an edit has to be narrowed so that its caller answers for all of it; None if it is."""
    grants = grants_in(scope)
    if grants is None:
        return None
    submits = load().actions.submits.get(grants.role)
    limits = {grants.measures.get(edit.measure), None if submits is None else submits.within}
    grain = set(MEASURES[edit.measure].grain)
    if "region" in limits and scope.regions is not None and "customer" in grain:
        regions = edit.within.regions
        own = regions is not None and set(regions) <= set(scope.regions)
        return None if own or edit.within.customers is not None else "regions or customers"
    if "site" in limits and scope.sites is not None and grain & {"site", "resource"}:
        sites = edit.within.sites
        own = sites is not None and set(sites) <= set(scope.sites)
        return None if own or edit.within.resources is not None else "sites or resources"
    return None


NAMED: Mapping[str, str] = {"customers": "customer", "resources": "resource"}
"""Filters by which a caller may narrow an edit to its own, and the kind whose rows have to be there."""
