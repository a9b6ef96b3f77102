"""`scenarioMerge`, `scenarioRebase`, `scenarioPromote`: a scenario's changes brought to where they count.

Whoever submitted a figure on the scenario was allowed to; bringing branches together carries all of it, what
the caller does not read included, so the host writes. What clashes is shown as far as the caller reads it.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.access import Scope, acting_host
from app.errors import BadValue, BucketFrozen, ConcordError, Conflict, Forbidden, Rejected
from app.services.four_eyes import require_second
from app.services.grants import reads_kind, require_action, submits_measure
from app.services.scenarios import RESULTS
from app.services.submit_checks import MAX_KEY, MAX_REASON, MAX_VALUE
from app.services.views.history import BranchView, CommitView, commit_view, find_branch
from app.store.audit import Event, record
from app.store.branches import MAIN, At, Branch, Commit, authors_of, branch, commit, resolve
from app.store.calendars import load_calendar
from app.store.database import Database, Transaction
from app.store.idempotency import given_answer, keep_answer, request_hash
from app.store.identity import SeriesKey, visible_series
from app.store.merges import merge, parent_of, promote, rebase
from app.store.resolving import Clashes, Decision, Resolution, RowClash, SeriesClash, Side
from app.vocabulary import DIMENSIONS, Calendar

MAX_DECISIONS = 5000


@dataclass(frozen=True, slots=True)
class CellDecision:
    """What shall count in one clashing bucket: a side, a value, or None = no value."""

    series: int
    start: date
    take: Decision


@dataclass(frozen=True, slots=True)
class ScenarioRequest:
    """What is asked for: the scenario, why, and decisions; `side` is for all that `cells` leave open."""

    scenario: str
    reason: str
    idempotency_key: str
    side: Side | None = None
    cells: tuple[CellDecision, ...] = ()

    def digest(self, act: str, *more: object) -> bytes:
        """Return what tells this request from another one under the same key."""
        cells = [[cell.series, cell.start.isoformat(), cell.take] for cell in self.cells]
        return request_hash(
            {
                "act": act,
                "scenario": self.scenario,
                "reason": self.reason,
                "side": self.side,
                "cells": cells,
                "more": repr(more),
            }
        )


@dataclass(frozen=True, slots=True)
class CellConflict:
    """A bucket that both sides changed: before, in the target, and in the scenario; None = no value."""

    start: date
    end: date
    base: float | None
    ours: float | None
    theirs: float | None


@dataclass(frozen=True, slots=True)
class SeriesConflict:
    """A series with the buckets that both sides changed."""

    number: int
    measure: str
    codes: dict[str, str | None]
    cells: tuple[CellConflict, ...]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What has to be decided, as far as the caller reads it; `hidden` = there is more."""

    series: tuple[SeriesConflict, ...] = ()
    rows: tuple[RowClash, ...] = ()
    hidden: bool = False

    @property
    def count(self) -> int:
        """The number of buckets and columns shown."""
        return len(self.rows) + sum(len(series.cells) for series in self.series)


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of it: a commit or a branch, or the conflicts that are not decided."""

    commit: CommitView | None = None
    branch: BranchView | None = None
    conflicts: Conflicts = field(default_factory=Conflicts)

    @property
    def done(self) -> bool:
        """Whether anything was done."""
        return self.commit is not None or self.branch is not None


Act = Callable[[Transaction, Branch, Resolution], Awaitable[Commit | Branch | Clashes]]


async def merge_scenario(
    database: Database,
    scope: Scope,
    request: ScenarioRequest,
    *,
    into: str | None = None,
    expected_head: int | None = None,
) -> Joined:
    """Bring what the scenario changed into its parent (or `into`) as one commit."""

    async def act(tx: Transaction, scenario: Branch, resolution: Resolution) -> Commit | Clashes:
        target = await _parent(tx, scenario)
        if into is not None:
            target = await branch(tx, into)
        _require_inputs(target.name)
        return await merge(
            tx,
            target,
            await commit(tx, scenario.head),
            author=scope.subject,
            reason=request.reason,
            resolution=resolution,
            expected_head=expected_head,
        )

    return await _join(database, scope, "scenarioMerge", request, act=act, more=(into, expected_head))


async def rebase_scenario(
    database: Database, scope: Scope, request: ScenarioRequest, *, onto: At | None = None
) -> Joined:
    """Start the scenario anew at a state, by default its parent's head; the old one stays, closed."""

    async def act(tx: Transaction, scenario: Branch, resolution: Resolution) -> Branch | Clashes:
        start = At(branch=(await parent_of(tx, scenario)).name) if onto is None else onto
        state = await resolve(tx, start)
        _require_inputs(state.branch)
        return await rebase(
            tx, scenario, state, author=scope.subject, reason=request.reason, resolution=resolution
        )

    return await _join(database, scope, "scenarioRebase", request, act=act, more=(onto,))


async def promote_scenario(database: Database, scope: Scope, request: ScenarioRequest) -> Joined:
    """Make the parent show exactly what the scenario shows, and close the scenario."""

    async def act(tx: Transaction, scenario: Branch, _: Resolution) -> Commit:
        target = await _parent(tx, scenario)
        return await promote(tx, scenario, target, author=scope.subject, reason=request.reason)

    return await _join(database, scope, "scenarioPromote", request, act=act)


async def _join(
    database: Database,
    scope: Scope,
    action: str,
    request: ScenarioRequest,
    *,
    act: Act,
    more: tuple[object, ...] = (),
) -> Joined:
    """Carry an act out once under its key; undecided clashes leave nothing behind."""
    require_action(scope, action)
    _refuse(_request_problems(request))
    digest = request.digest(action, *more)
    async with database.write(acting_host(scope)) as tx:
        answer = await given_answer(tx, request.idempotency_key, digest)
        if answer is not None:
            return await _repeat(tx, answer)
        scenario = await _scenario(tx, request.scenario)
        require_second(scope, action, await authors_of(tx, scenario))
        done = await act(tx, scenario, Resolution())
        if isinstance(done, Clashes) and (request.side is not None or request.cells):
            done = await act(tx, scenario, await _resolution(tx, scope, scenario, request, done))
        if not isinstance(done, Clashes):
            kept: dict[str, object] = (
                {"branch": done.name} if isinstance(done, Branch) else {"commit": done.id}
            )
            await keep_answer(tx, request.idempotency_key, digest, kept)
            await record(tx, _event(action, scenario, done))
            return await _repeat(tx, kept)
        calendar = await load_calendar(tx, await commit(tx, scenario.head))
    return Joined(conflicts=await _shown(database, scope, done, calendar))


def _event(action: str, scenario: Branch, done: Commit | Branch) -> Event:
    """Return what the audit log says of it."""
    if isinstance(done, Branch):
        return Event("write", action, scenario.name, branch=done.name, before=scenario.head, after=done.head)
    return Event("write", action, scenario.name, branch=done.branch, before=done.parent_id, after=done.id)


async def _repeat(tx: Transaction, answer: dict[str, object]) -> Joined:
    """Return what was done, as it is by now."""
    if "branch" in answer:
        return Joined(branch=await find_branch(tx, str(answer["branch"])))
    return Joined(commit=commit_view(await commit(tx, int(str(answer["commit"])))))


async def _scenario(tx: Transaction, name: str) -> Branch:
    if name == MAIN:
        raise Conflict(reason=f"{MAIN} is no scenario", field=["scenario"])
    _require_inputs(name)
    return await branch(tx, name)


async def _parent(tx: Transaction, scenario: Branch) -> Branch:
    """Return where a scenario's changes go; a reconciled plan that it started from is none of them."""
    parent = await parent_of(tx, scenario)
    if parent.name.startswith(RESULTS):
        reason = f"{scenario.name} was forked from a reconciled plan: rebase it onto inputs first"
        raise Conflict(reason=reason, field=["scenario"])
    return parent


def _require_inputs(name: str) -> None:
    if name.startswith(RESULTS):
        raise Conflict(reason=f"{name} holds a reconciled plan and takes no inputs")


def _request_problems(request: ScenarioRequest) -> Iterator[ConcordError]:
    for name, text, most in (
        ("reason", request.reason, MAX_REASON),
        ("idempotencyKey", request.idempotency_key, MAX_KEY),
    ):
        if not text.strip() or len(text) > most:
            yield BadValue(field=[name], expected=f"1 to {most} characters", found=f"{len(text)}")
    if len(request.cells) > MAX_DECISIONS:
        found = f"{len(request.cells)}"
        yield BadValue(field=["decisions"], expected=f"at most {MAX_DECISIONS} decisions", found=found)
    for row, cell in enumerate(request.cells):
        if isinstance(cell.take, float) and not abs(cell.take) <= MAX_VALUE:
            field_ = ["decisions", str(row), "value"]
            yield BadValue(field=field_, row=row, expected=f"at most {MAX_VALUE:g}", found=f"{cell.take:g}")


async def _resolution(
    tx: Transaction, scope: Scope, scenario: Branch, request: ScenarioRequest, clashes: Clashes
) -> Resolution:
    """Return the caller's decisions as the store takes them; raises `Rejected` for those that cannot be."""
    calendar = await load_calendar(tx, await commit(tx, scenario.head))
    known = {clash.number: clash for clash in clashes.series}
    cells: dict[tuple[SeriesKey, int], Decision] = {}
    problems: list[ConcordError] = []
    for row, cell in enumerate(request.cells):
        clash, ordinal = known.get(cell.series), calendar.index_of(cell.start)
        problem = _decision_problem(scope, calendar, cell, clash, row=row)
        if problem is not None:
            problems.append(problem)
        elif clash is not None and ordinal is not None:
            cells[clash.key, ordinal] = cell.take
    _refuse(problems)
    return Resolution(request.side, cells)


def _decision_problem(
    scope: Scope,
    calendar: Calendar,
    cell: CellDecision,
    clash: SeriesClash | None,
    *,
    row: int,
) -> ConcordError | None:
    """Return what is wrong with a decision: no such clash, or a value that the caller may not set."""
    place, ordinal = ["decisions", str(row)], calendar.index_of(cell.start)
    if clash is None or ordinal not in {each.ordinal for each in clash.cells}:
        return BadValue(field=place, row=row, expected="a bucket in conflict", found=cell.start.isoformat())
    if isinstance(cell.take, str):
        return None
    if not submits_measure(scope, clash.key.measure):
        return Forbidden(field=place, row=row, measure=clash.key.measure)
    if ordinal is not None and ordinal < calendar.first_open:
        return BucketFrozen(field=place, row=row, start=cell.start, reason="it lies before the plan date")
    return None


async def _shown(database: Database, scope: Scope, clashes: Clashes, calendar: Calendar) -> Conflicts:
    """Return the clashes that the caller may read."""
    async with database.read(scope) as tx:
        visible = await visible_series(tx, [clash.number for clash in clashes.series])
    series = tuple(_conflict(clash, calendar) for clash in clashes.series if clash.number in visible)
    rows = tuple(clash for clash in clashes.rows if reads_kind(scope, clash.row[0]))
    hidden = len(series) < len(clashes.series) or len(rows) < len(clashes.rows)
    return Conflicts(series, rows, hidden)


def _conflict(clash: SeriesClash, calendar: Calendar) -> SeriesConflict:
    cells = tuple(
        CellConflict(bucket.start, bucket.end, cell.base, cell.ours, cell.theirs)
        for cell in clash.cells
        for bucket in (calendar.buckets[cell.ordinal],)
    )
    codes = dict(zip(DIMENSIONS, clash.key[1:], strict=True))
    return SeriesConflict(clash.number, clash.key.measure, codes, cells)


def _refuse(problems: Sequence[ConcordError] | Iterator[ConcordError]) -> None:
    found = tuple(problems)
    if found:
        raise Rejected(found)
