"""What a supplier hands in, as the graph takes it."""

from datetime import date
from enum import Enum

import strawberry

from app.errors import BadValue
from app.services.parties.commits import AnswerKind, BucketAnswer, Delivery, LineAnswer
from app.services.parties.signals import Series
from schema.types.outside import IDEMPOTENCY_KEY, QuantityEntryInput, quantity_entries


@strawberry.enum(description="Why a bucket is declined.")
class DeclineReason(Enum):
    """Closed list."""

    CAPACITY = strawberry.enum_value("capacity", description="No capacity.")
    MATERIAL = strawberry.enum_value("material", description="No material.")
    LEAD_TIME = strawberry.enum_value("lead_time", description="Too short a time.")
    DISCONTINUED = strawberry.enum_value("discontinued", description="No longer supplied.")
    TERMS = strawberry.enum_value("terms", description="Price or terms are not agreed.")
    OTHER = strawberry.enum_value("other", description="Another reason; say it in the note.")


@strawberry.input(description="A quantity that will arrive on a day.")
class CommitDeliveryInput:
    """One delivery."""

    day: date = strawberry.field(name="date", description="Day of arrival, within the release's buckets.")
    quantity: float = strawberry.field(description="Quantity in the line's unit, above 0.")


@strawberry.input(description="Nothing will be delivered, and why.")
class CommitDeclineInput:
    """A refusal."""

    reason: DeclineReason = strawberry.field(description="Why.")
    note: str | None = strawberry.field(default=None, description="Further words.")


@strawberry.input(one_of=True, description="The answer to a bucket: exactly one of its fields.")
class CommitAnswerInput:
    """One of three answers."""

    full: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True: the projected quantity will be delivered."
    )
    partial: list[CommitDeliveryInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="These quantities will be delivered on these days. One that arrives in a bucket that you "
        "do not answer comes on top of what is projected there.",
    )
    declined: CommitDeclineInput | None = strawberry.field(
        default=strawberry.UNSET, description="Nothing will be delivered."
    )


@strawberry.input(description="Your answer to one bucket of a line.")
class CommitBucketInput:
    """One bucket."""

    start: date = strawberry.field(description="First day of the bucket, as released.")
    answer: CommitAnswerInput = strawberry.field(description="What you promise.")


@strawberry.input(description="Your answers to one projection line.")
class CommitLineInput:
    """One line."""

    item: str = strawberry.field(description="The item, by your code or ours.")
    ship_to: str | None = strawberry.field(
        default=None, description="Site of the line; needed where the item has lines for several."
    )
    supplier: str | None = strawberry.field(
        default=None, description="Your supplier code; needed where the item has lines for several."
    )
    buckets: list[CommitBucketInput] = strawberry.field(
        description="Answers by bucket. Buckets that you leave out stay unanswered."
    )


@strawberry.input(description="A forecast commit: your promise for a release.")
class ForecastCommitSubmitInput:
    """Input of `forecastCommitSubmit`."""

    release: int = strawberry.field(description="Number of the release that you answer: your latest one.")
    lines: list[CommitLineInput] = strawberry.field(description="Answers by line.")
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="Confirms that a release has been read.")
class ProjectionAcknowledgeInput:
    """Input of `projectionAcknowledge`."""

    release: int = strawberry.field(description="Number of the release: your latest one.")
    note: str | None = strawberry.field(default=None, description="Further words.")
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="What you can deliver of an item.")
class CapacitySeriesInput:
    """One item."""

    item: str = strawberry.field(description="The item, by your code or ours.")
    supplier: str | None = strawberry.field(
        default=None, description="Your supplier code; needed where you supply the item under several."
    )
    entries: list[QuantityEntryInput] = strawberry.field(
        description="Quantity by bucket, in the unit of the item; the date is the first day of a bucket."
    )


@strawberry.input(description="What you can deliver, in the buckets of your latest release.")
class CapacitySubmitInput:
    """Input of `capacitySubmit`."""

    series: list[CapacitySeriesInput] = strawberry.field(description="Quantities by item.")
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


def line_answer(row: int, line: CommitLineInput) -> LineAnswer:
    """Return the answers to a line as the service takes them; raises BadValue for `full: false`."""
    buckets = tuple(_bucket_answer(row, place, bucket) for place, bucket in enumerate(line.buckets))
    return LineAnswer(line.item, line.ship_to, line.supplier, buckets)


def _bucket_answer(row: int, place: int, bucket: CommitBucketInput) -> BucketAnswer:
    answer = bucket.answer
    if isinstance(answer.partial, list):
        deliveries = tuple(Delivery(entry.day, entry.quantity) for entry in answer.partial)
        return BucketAnswer(bucket.start, AnswerKind.PARTIAL, deliveries)
    if isinstance(answer.declined, CommitDeclineInput):
        reason, note = str(DeclineReason(answer.declined.reason).value), answer.declined.note
        return BucketAnswer(bucket.start, AnswerKind.DECLINED, reason=reason, note=note)
    if answer.full is not True:
        path = ("lines", row, "buckets", place, "answer", "full")
        raise BadValue(field=path, row=row, expected="true, or one of partial and declined", found="false")
    return BucketAnswer(bucket.start, AnswerKind.FULL)


def capacity_series(line: CapacitySeriesInput) -> Series:
    """Return the capacity of an item as the service takes it."""
    return Series(line.item, line.supplier, quantity_entries(line.entries))
