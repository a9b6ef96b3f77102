"""A supplier's answer to a projection, bucket by bucket: in full, in part with dates, or declined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.services.parties.checks import (
    Problems,
    bucket_holding,
    check_note,
    check_quantity,
    check_rows,
    check_start,
    released_buckets,
)
from app.store.releases import Release, ReleasedProjection
from app.vocabulary import Bucket


class AnswerKind(StrEnum):
    """What a supplier says to one bucket."""

    FULL = "full"
    PARTIAL = "partial"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A quantity that will arrive on a day, in the line's unit."""

    day: date
    quantity: float


@dataclass(frozen=True, slots=True)
class BucketAnswer:
    """The answer to the bucket that starts on `start`; deliveries for a partial one, a reason if declined."""

    start: date
    kind: AnswerKind
    deliveries: tuple[Delivery, ...] = ()
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """Answers to one projection line, named by item (either code), and site and supplier where needed."""

    item: str
    site: str | None
    supplier: str | None
    buckets: tuple[BucketAnswer, ...]


def commit_payload(
    release: Release, lines: Sequence[ReleasedProjection], answers: Sequence[LineAnswer]
) -> dict[str, object]:
    """Return what goes into the inbox: each answer as given, and the promise per bucket that follows from it.

    Raises `Rejected` with every problem; quantities stay in the unit of the released line.
    """
    problems = Problems()
    check_rows(problems, ("lines",), answers)
    buckets, payload, answered = released_buckets(release), [], set[int]()
    for row, answer in enumerate(answers):
        line = _find_line(problems, row, lines, answer)
        _check_answers(problems, row, buckets, answer)
        if line is None:
            continue
        if line.line in answered:
            problems.bad_value(("lines", row, "item"), "each line once", answer.item)
        answered.add(line.line)
        if not problems.found:
            payload.append(_line_payload(line, buckets, answer))
    problems.raise_any()
    return {"release": release.ordinal, "lines": payload}


def _find_line(
    problems: Problems, row: int, lines: Sequence[ReleasedProjection], answer: LineAnswer
) -> ReleasedProjection | None:
    """Return the released line that is answered; site and supplier may be left out where one line fits."""
    named = [line for line in lines if answer.item in (line.party_item, line.item)]
    own = [line for line in named if line.party_item == answer.item] or named
    fits = [
        line for line in own if answer.site in (None, line.site) and answer.supplier in (None, line.supplier)
    ]
    if not own:
        problems.unknown(("lines", row, "item"), "item", answer.item)
    elif not any(answer.site in (None, line.site) for line in own):
        problems.unknown(("lines", row, "shipTo"), f"line of {answer.item} for site", answer.site)
    elif not fits:
        problems.unknown(("lines", row, "supplier"), f"line of {answer.item} for supplier", answer.supplier)
    elif len(fits) > 1:
        choices = ", ".join(f"{line.site} ({line.supplier})" for line in fits)
        given = f"{answer.site or 'no site'} ({answer.supplier or 'no supplier'})"
        unsaid = "shipTo" if answer.site is None else "supplier"
        problems.bad_value(("lines", row, unsaid), f"site and supplier of one of {choices}", given)
    return fits[0] if len(fits) == 1 else None


def _check_answers(problems: Problems, row: int, buckets: Sequence[Bucket], answer: LineAnswer) -> None:
    check_rows(problems, ("lines", row, "buckets"), answer.buckets)
    taken: set[date] = set()
    for place, said in enumerate(answer.buckets):
        path = ("lines", row, "buckets", place)
        check_start(problems, (*path, "start"), buckets, said.start, taken)
        check_note(problems, (*path, "answer", "declined", "note"), said.note)
        if said.kind is AnswerKind.PARTIAL:
            check_rows(problems, (*path, "answer", "partial"), said.deliveries)
        for order, delivery in enumerate(said.deliveries):
            where = (*path, "answer", "partial", order)
            check_quantity(problems, (*where, "quantity"), delivery.quantity, positive=True)
            if bucket_holding(buckets, delivery.day) is None:
                expected = f"a day from {buckets[0].start} to before {buckets[-1].end}"
                problems.bad_value((*where, "date"), expected, delivery.day)


def _line_payload(
    line: ReleasedProjection, buckets: Sequence[Bucket], answer: LineAnswer
) -> dict[str, object]:
    promised = promises(line.quantities, buckets, answer.buckets)
    return {
        "line": line.line,
        "supplier": line.supplier,
        "item": line.item,
        "site": line.site,
        "unit": line.unit,
        "base_factor": line.base_factor,
        "answers": [_answer_payload(said) for said in answer.buckets],
        "promises": [
            {"start": buckets[ordinal].start, "end": buckets[ordinal].end, "quantity": quantity}
            for ordinal, quantity in sorted(promised.items())
        ],
    }


def _answer_payload(said: BucketAnswer) -> dict[str, object]:
    deliveries = [{"date": delivery.day, "quantity": delivery.quantity} for delivery in said.deliveries]
    return {
        "start": said.start,
        "kind": said.kind.value,
        "deliveries": deliveries,
        "reason": said.reason,
        "note": said.note,
    }


def promises(
    projected: Sequence[float], buckets: Sequence[Bucket], answers: Sequence[BucketAnswer]
) -> Mapping[int, float]:
    """Return the promised quantity by bucket ordinal.

    In full: the projected quantity. Declined: nothing. In part: each delivery in the bucket it arrives in.
    A delivery that arrives in a bucket without an answer comes on top of that bucket's projected quantity.
    """
    by_start = {bucket.start: bucket.ordinal for bucket in buckets}
    promised = {
        by_start[said.start]: projected[by_start[said.start]] if said.kind is AnswerKind.FULL else 0.0
        for said in answers
    }
    for delivery in (delivery for said in answers for delivery in said.deliveries):
        bucket = bucket_holding(buckets, delivery.day)
        if bucket is not None:
            before = promised.get(bucket.ordinal, projected[bucket.ordinal])
            promised[bucket.ordinal] = before + delivery.quantity
    return promised
