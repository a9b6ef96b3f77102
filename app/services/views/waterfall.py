"""The waterfall of one bucket: its value in each published plan, and how far ahead that plan was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.errors import BadValue, GrainMismatch
from app.services.grants import require_measure
from app.store.branches import At, resolve
from app.store.database import Transaction
from app.store.identity import SeriesKey
from app.store.waterfalls import PublishedValue, published_values
from app.vocabulary import MEASURES


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """A published plan's value for the bucket; `lag` counts the months from its plan date to the bucket."""

    version: str
    published_at: datetime
    plan_date: date
    start: date
    end: date
    value: float | None
    lag: int


async def waterfall(
    tx: Transaction, measure: str, codes: Mapping[str, str], start: date, lag: int | None = None
) -> Sequence[WaterfallStep]:
    """Return the steps by time of publication; with `lag`, only the last plan made so many months ahead.

    Raises `NotGranted` for a measure that the caller does not read, and `GrainMismatch` for a key that does
    not fit it.
    """
    require_measure(tx.scope, measure)
    grain = MEASURES[measure].grain
    if set(codes) != set(grain):
        found = ", ".join(sorted(codes)) or "nothing"
        raise GrainMismatch(field=["key"], measure=measure, grain=", ".join(grain), found=found)
    if lag is not None and lag < 0:
        raise BadValue(field=["lag"], expected="a number of months, 0 or more", found=str(lag))
    state = await resolve(tx, At())
    values = await published_values(tx, state.plan_id, SeriesKey(measure, **codes), start)
    steps = [_step(value) for value in values]
    return steps if lag is None else [step for step in steps if step.lag >= lag][-1:]


def _step(value: PublishedValue) -> WaterfallStep:
    made, bucket = value.plan_date, value.start
    return WaterfallStep(
        version=value.version,
        published_at=value.published_at,
        plan_date=made,
        start=bucket,
        end=value.end,
        value=value.value,
        lag=12 * (bucket.year - made.year) + bucket.month - made.month,
    )
