"""`scenarioMerge`, `scenarioRebase`, `scenarioPromote`: what clashes comes back as data, to be decided."""

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info

from app.errors import MergeConflicts
from app.services import scenario_changes as service
from app.store.resolving import Decision, Side
from schema.context import Context
from schema.internal.at import chosen_at, commit_key
from schema.internal.history import Branch, Commit
from schema.internal.series import with_codes
from schema.internal.vocabulary import MeasureName
from schema.types.at import PlanAt
from schema.types.errors import UserError, user_errors
from schema.types.fields import served
from schema.types.payload import attempt

KIND = "SeriesConflict"


@strawberry.enum(description="Whose value counts where both sides changed the same.")
class MergeSide(Enum):
    """Sides of a conflict."""

    OURS = strawberry.enum_value("ours", description="The value of the branch that the changes come to.")
    THEIRS = strawberry.enum_value("theirs", description="The value of the scenario.")


@strawberry.type(description="A bucket that both sides changed.")
class CellConflict:
    """Serves the service's `CellConflict`."""

    start: date = strawberry.field(description="First day of the bucket.")
    end: date = strawberry.field(description="First day after it.")
    base: float | None = strawberry.field(description="Value before both changed it; null = none.")
    ours: float | None = strawberry.field(description="Value where the changes come to; null = none.")
    theirs: float | None = strawberry.field(description="Value in the scenario; null = none.")


def _conflict_id(root: strawberry.Parent[service.SeriesConflict], info: Info[Context, None]) -> strawberry.ID:
    return strawberry.ID(info.context.ids.encode(KIND, str(root.number)))


@strawberry.type(description="A series with the buckets that both sides changed.")
@with_codes
class SeriesConflict:
    """Serves the service's `SeriesConflict`."""

    id: strawberry.ID = served(_conflict_id, description="Names the series in a decision.")
    measure: MeasureName = strawberry.field(description="The measure.")
    cells: list[CellConflict] = strawberry.field(description="The buckets, oldest first.")


def _row_kind(root: strawberry.Parent[Any]) -> str:
    return str(root.row[0])


def _row_code(root: strawberry.Parent[Any]) -> str:
    return str(root.row[1])


@strawberry.type(description="A column of a record of reference data that both sides changed.")
class RowConflict:
    """Serves the store's `RowClash`."""

    kind: str = served(_row_kind, description="Kind of reference data.")
    code: str = served(_row_code, description="Key of the record.")
    column: str = strawberry.field(description="The column; * = one side removed the record.")


@strawberry.type(description="What has to be decided first, as far as your role reads it.")
class MergeConflictList:
    """Serves the service's `Conflicts`."""

    count: int = strawberry.field(description="Buckets and columns in conflict.")
    series: list[SeriesConflict] = strawberry.field(description="By series.")
    rows: list[RowConflict] = strawberry.field(description="In reference data; decided by side alone.")
    hidden: bool = strawberry.field(
        description="Whether there are more that your role does not read; only a side decides them."
    )


@strawberry.input(one_of=True, description="What shall count: exactly one of its fields.")
class Take:
    """A decision."""

    side: MergeSide | None = strawberry.field(default=UNSET, description="The value of this side.")
    value: float | None = strawberry.field(
        default=UNSET, description="A value of your own, of a measure that your role submits."
    )


@strawberry.input(description="What shall count in one bucket that is in conflict.")
class CellDecision:
    """A decision about a cell."""

    conflict: strawberry.ID = strawberry.field(description="Id of the series in conflict.")
    start: date = strawberry.field(description="First day of the bucket.")
    take: Take = strawberry.field(description="What shall count.")


REASON = "Why; kept with the commit."
KEY = "Chosen by the caller: the same request again under the same key is answered with what was done first."
SIDE = "What counts in every conflict that `decisions` leave open; null = each one has to be decided."


@strawberry.input(description="A scenario whose changes shall count in the branch that it was forked from.")
class ScenarioMergeInput:
    """Input of `scenarioMerge`."""

    scenario: str = strawberry.field(description="Name of the scenario.")
    reason: str = strawberry.field(description=REASON)
    idempotency_key: str = strawberry.field(description=KEY)
    into: str | None = strawberry.field(
        default=None,
        description="The branch to merge into; null = the one that the scenario was forked from.",
    )
    expected_head: strawberry.ID | None = strawberry.field(
        default=None,
        description="Id of the latest commit there as you have seen it; refused if it has moved on.",
    )
    side: MergeSide | None = strawberry.field(default=None, description=SIDE)
    decisions: list[CellDecision] | None = strawberry.field(default=None, description="What was decided.")


@strawberry.type(description="Answer of `scenarioMerge`.")
class ScenarioMergePayload:
    """Payload of `scenarioMerge`."""

    commit: Commit | None = strawberry.field(
        description="Latest commit of the branch with the changes in it."
    )
    conflicts: MergeConflictList | None = strawberry.field(description="What has to be decided first.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was merged; empty on success.")


@strawberry.input(description="A scenario that shall start anew from another state, with its own changes.")
class ScenarioRebaseInput:
    """Input of `scenarioRebase`."""

    scenario: str = strawberry.field(description="Name of the scenario; the new branch takes it over.")
    reason: str = strawberry.field(description=REASON)
    idempotency_key: str = strawberry.field(description=KEY)
    onto: PlanAt | None = strawberry.field(
        default=None, description="The state to start from; null = the head of the branch it was forked from."
    )
    side: MergeSide | None = strawberry.field(default=None, description=SIDE)
    decisions: list[CellDecision] | None = strawberry.field(default=None, description="What was decided.")


@strawberry.type(description="Answer of `scenarioRebase`.")
class ScenarioRebasePayload:
    """Payload of `scenarioRebase`."""

    branch: Branch | None = strawberry.field(
        description="The new branch; the old one stays readable, closed, as name@1, name@2 …"
    )
    conflicts: MergeConflictList | None = strawberry.field(description="What has to be decided first.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done; empty on success.")


@strawberry.input(description="A scenario that its parent shall show exactly; it is closed with it.")
class ScenarioPromoteInput:
    """Input of `scenarioPromote`."""

    scenario: str = strawberry.field(description="Name of the scenario.")
    reason: str = strawberry.field(description=REASON)
    idempotency_key: str = strawberry.field(description=KEY)


@strawberry.type(description="Answer of `scenarioPromote`.")
class ScenarioPromotePayload:
    """Payload of `scenarioPromote`."""

    commit: Commit | None = strawberry.field(description="Latest commit of the parent.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was done; empty on success.")


MergeArgument = Annotated[ScenarioMergeInput, strawberry.argument(description="The input.")]
RebaseArgument = Annotated[ScenarioRebaseInput, strawberry.argument(description="The input.")]
PromoteArgument = Annotated[ScenarioPromoteInput, strawberry.argument(description="The input.")]


def _take(chosen: Take) -> Decision:
    if chosen.side is not UNSET and chosen.side is not None:
        side: Side = "ours" if chosen.side is MergeSide.OURS else "theirs"
        return side
    return None if chosen.value is UNSET or chosen.value is None else float(chosen.value)


def _request(
    info: Info[Context, None], given: ScenarioMergeInput | ScenarioRebaseInput
) -> service.ScenarioRequest:
    decisions: Sequence[CellDecision] = given.decisions or ()
    cells = tuple(
        service.CellDecision(
            int(info.context.ids.decode(KIND, str(one.conflict))), one.start, _take(one.take)
        )
        for one in decisions
    )
    side: Side | None = None if given.side is None else "ours" if given.side is MergeSide.OURS else "theirs"
    return service.ScenarioRequest(given.scenario, given.reason, given.idempotency_key, side, cells)


def _refusals(made: service.Joined | None, errors: list[UserError]) -> list[UserError]:
    """Return the errors of the call; undecided conflicts are one of them."""
    if made is None or made.done:
        return errors
    return user_errors(MergeConflicts(count=made.conflicts.count))


def _undecided(made: service.Joined | None) -> service.Conflicts | None:
    return None if made is None or made.done else made.conflicts


async def _merge(info: Info[Context, None], given: ScenarioMergeInput) -> service.Joined:
    head = given.expected_head
    return await service.merge_scenario(
        info.context.database,
        await info.context.scope(),
        _request(info, given),
        into=given.into,
        expected_head=None if head is None else commit_key(info, str(head)),
    )


async def resolve_scenario_merge(info: Info[Context, None], input: MergeArgument) -> ScenarioMergePayload:
    """Merge."""
    made, errors = await attempt(info.context, _merge(info, input))
    return ScenarioMergePayload(
        commit=None if made is None else made.commit,  # type: ignore[arg-type]  # by attribute
        conflicts=_undecided(made),  # type: ignore[arg-type]  # by attribute
        user_errors=_refusals(made, errors),
    )


async def _rebase(info: Info[Context, None], given: ScenarioRebaseInput) -> service.Joined:
    return await service.rebase_scenario(
        info.context.database,
        await info.context.scope(),
        _request(info, given),
        onto=None if given.onto is None else chosen_at(info, given.onto),
    )


async def resolve_scenario_rebase(info: Info[Context, None], input: RebaseArgument) -> ScenarioRebasePayload:
    """Rebase."""
    made, errors = await attempt(info.context, _rebase(info, input))
    return ScenarioRebasePayload(
        branch=None if made is None else made.branch,  # type: ignore[arg-type]  # by attribute
        conflicts=_undecided(made),  # type: ignore[arg-type]  # by attribute
        user_errors=_refusals(made, errors),
    )


async def _promote(info: Info[Context, None], given: ScenarioPromoteInput) -> service.Joined:
    request = service.ScenarioRequest(given.scenario, given.reason, given.idempotency_key)
    return await service.promote_scenario(info.context.database, await info.context.scope(), request)


async def resolve_scenario_promote(
    info: Info[Context, None], input: PromoteArgument
) -> ScenarioPromotePayload:
    """Promote."""
    made, errors = await attempt(info.context, _promote(info, input))
    return ScenarioPromotePayload(
        commit=None if made is None else made.commit,  # type: ignore[arg-type]  # by attribute
        user_errors=errors,
    )
