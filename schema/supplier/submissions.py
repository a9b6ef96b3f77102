"""What a supplier hands in and what became of it: acknowledgements, forecast commits and capacity."""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from app.services.parties import reading, submitting
from app.services.parties.states import ACKNOWLEDGEMENT, CAPACITY, COMMIT, SubmissionView
from schema.context import Context
from schema.supplier.inputs import (
    CapacitySubmitInput,
    DeclineReason,
    ForecastCommitSubmitInput,
    ProjectionAcknowledgeInput,
    capacity_series,
    line_answer,
)
from schema.types.at import ReleaseAtArgument
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.errors import UserError
from schema.types.outside import (
    REFUSALS,
    QuantityEntry,
    Submission,
    caller,
    chosen_release,
    entries_of,
    paged,
)
from schema.types.payload import attempt


@strawberry.enum(description="What you said to a bucket.")
class CommitAnswerKind(Enum):
    """Values of `app.services.parties.commits.AnswerKind`."""

    FULL = strawberry.enum_value("full", description="You deliver the projected quantity.")
    PARTIAL = strawberry.enum_value("partial", description="You deliver the quantities on the days named.")
    DECLINED = strawberry.enum_value("declined", description="You deliver nothing.")


@strawberry.type(description="A quantity on a day.")
class CommitDelivery:
    """One delivery."""

    day: date = strawberry.field(name="date", description="Day of arrival.")
    quantity: float = strawberry.field(description="Quantity in the line's unit.")


@strawberry.type(description="Your answer to one bucket.")
class CommitAnswer:
    """One answer."""

    start: date = strawberry.field(description="First day of the bucket.")
    kind: CommitAnswerKind = strawberry.field(description="What you said.")
    deliveries: list[CommitDelivery] = strawberry.field(description="Deliveries of a partial answer.")
    reason: DeclineReason | None = strawberry.field(description="Why it was declined; null otherwise.")
    note: str | None = strawberry.field(description="Further words.")


@strawberry.type(description="Your answers to one projection line.")
class CommitLine:
    """One line."""

    supplier: str = strawberry.field(description="Your supplier code.")
    item: str = strawberry.field(description="Our code of the item.")
    ship_to: str = strawberry.field(description="Site that you ship to.")
    unit: str = strawberry.field(description="Unit of all quantities.")
    answers: list[CommitAnswer] = strawberry.field(description="Answers by bucket, as you gave them.")
    promises: list[QuantityEntry] = strawberry.field(description="The promise per bucket that follows.")


def _commit_lines(root: strawberry.Parent[SubmissionView]) -> list[CommitLine]:
    return [_commit_line(line) for line in root.payload["lines"]]


def _commit_line(line: Mapping[str, Any]) -> CommitLine:
    return CommitLine(
        supplier=line["supplier"],
        item=line["item"],
        ship_to=line["site"],
        unit=line["unit"],
        answers=[_commit_answer(answer) for answer in line["answers"]],
        promises=entries_of(line["promises"]),
    )


def _commit_answer(answer: Mapping[str, Any]) -> CommitAnswer:
    return CommitAnswer(
        start=date.fromisoformat(answer["start"]),
        kind=CommitAnswerKind(answer["kind"]),
        deliveries=[
            CommitDelivery(day=date.fromisoformat(entry["date"]), quantity=entry["quantity"])
            for entry in answer["deliveries"]
        ],
        reason=None if answer["reason"] is None else DeclineReason(answer["reason"]),
        note=answer["note"],
    )


@strawberry.type(description="Your promise for a release.")
class ForecastCommit(Submission):
    """Serves `SubmissionView`."""

    lines: list[CommitLine] = strawberry.field(resolver=_commit_lines, description="Answers by line.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, SubmissionView) and obj.kind == COMMIT


@strawberry.type(description="What you can deliver of one item.")
class CapacityLine:
    """One item."""

    supplier: str = strawberry.field(description="Your supplier code.")
    item: str = strawberry.field(description="Our code of the item.")
    unit: str = strawberry.field(description="Unit of all quantities.")
    entries: list[QuantityEntry] = strawberry.field(description="Quantity by bucket.")


def _capacity_lines(root: strawberry.Parent[SubmissionView]) -> list[CapacityLine]:
    return [
        CapacityLine(
            supplier=line["code"], item=line["item"], unit=line["unit"], entries=entries_of(line["entries"])
        )
        for line in root.payload["series"]
    ]


@strawberry.type(description="What you can deliver.")
class Capacity(Submission):
    """Serves `SubmissionView`."""

    series: list[CapacityLine] = strawberry.field(resolver=_capacity_lines, description="Quantities by item.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, SubmissionView) and obj.kind == CAPACITY


def _note(root: strawberry.Parent[SubmissionView]) -> str | None:
    note = root.payload["note"]
    return None if note is None else str(note)


@strawberry.type(description="Your confirmation that you have read a release.")
class Acknowledgement(Submission):
    """Serves `SubmissionView`."""

    note: str | None = strawberry.field(resolver=_note, description="Further words.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, SubmissionView) and obj.kind == ACKNOWLEDGEMENT


@strawberry.type(description="Answer of `forecastCommitSubmit`.")
class ForecastCommitSubmitPayload:
    """Payload of `forecastCommitSubmit`."""

    forecast_commit: ForecastCommit | None = strawberry.field(description="What was kept.")
    user_errors: list[UserError] = strawberry.field(description=REFUSALS)


@strawberry.type(description="Answer of `projectionAcknowledge`.")
class ProjectionAcknowledgePayload:
    """Payload of `projectionAcknowledge`."""

    acknowledgement: Acknowledgement | None = strawberry.field(description="What was kept.")
    user_errors: list[UserError] = strawberry.field(description=REFUSALS)


@strawberry.type(description="Answer of `capacitySubmit`.")
class CapacitySubmitPayload:
    """Payload of `capacitySubmit`."""

    capacity: Capacity | None = strawberry.field(description="What was kept.")
    user_errors: list[UserError] = strawberry.field(description=REFUSALS)


ForecastCommitArgument = Annotated[ForecastCommitSubmitInput, strawberry.argument(description="The promise.")]
AcknowledgeArgument = Annotated[ProjectionAcknowledgeInput, strawberry.argument(description="The release.")]
CapacityArgument = Annotated[CapacitySubmitInput, strawberry.argument(description="The capacity.")]


async def resolve_forecast_commit_submit(
    info: Info[Context, None],
    input: ForecastCommitArgument,
) -> ForecastCommitSubmitPayload:
    """Keep a forecast commit."""

    async def call() -> SubmissionView:
        answers = tuple(line_answer(row, line) for row, line in enumerate(input.lines))
        by = await caller(info, input.idempotency_key)
        return await submitting.submit_commit(info.context.database, by, input.release, answers)

    kept, errors = await attempt(info.context, call())
    return ForecastCommitSubmitPayload(forecast_commit=kept, user_errors=errors)  # type: ignore[arg-type]  # by attribute


async def resolve_projection_acknowledge(
    info: Info[Context, None],
    input: AcknowledgeArgument,
) -> ProjectionAcknowledgePayload:
    """Keep an acknowledgement."""

    async def call() -> SubmissionView:
        by = await caller(info, input.idempotency_key)
        return await submitting.acknowledge(info.context.database, by, input.release, input.note)

    kept, errors = await attempt(info.context, call())
    return ProjectionAcknowledgePayload(acknowledgement=kept, user_errors=errors)  # type: ignore[arg-type]  # by attribute


async def resolve_capacity_submit(
    info: Info[Context, None],
    input: CapacityArgument,
) -> CapacitySubmitPayload:
    """Keep a capacity."""

    async def call() -> SubmissionView:
        by = await caller(info, input.idempotency_key)
        series = tuple(capacity_series(line) for line in input.series)
        return await submitting.submit_capacity(info.context.database, by, series)

    kept, errors = await attempt(info.context, call())
    return CapacitySubmitPayload(capacity=kept, user_errors=errors)  # type: ignore[arg-type]  # by attribute


async def resolve_forecast_commits(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[SubmissionView]:
    """Return the supplier's forecast commits, the latest first."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        page = await reading.submissions(tx, reading.SUPPLIER, (COMMIT,), stretch, at=release)
        return connection(info, page)


async def resolve_capacities(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[SubmissionView]:
    """Return the supplier's capacities, the latest first."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        page = await reading.submissions(tx, reading.SUPPLIER, (CAPACITY,), stretch, at=release)
        return connection(info, page)
