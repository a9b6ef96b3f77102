"""Splitting a total over cells so that it adds up exactly (rules E1 to E3)."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from math import ulp

import numpy as np
import numpy.typing as npt

from app.dimensions.working_time import sharing
from app.vocabulary import Bucket

FloatArray = npt.NDArray[np.float64]
LEAP_DAY = (2, 29)


def split(total: float, weights: Sequence[float], *, whole: bool) -> list[float]:
    """Return parts of `total` in proportion to `weights` (not negative, not all 0) that add up to it exactly.

    Parts are multiples of 1 where they must be `whole` (and `total` is), else of the last binary digit of the
    total, so that no sum of them rounds, in whatever order they are added. What is left over after rounding
    down goes to the largest remainders, the first of equals first.
    """
    unit = 1.0 if whole else ulp(total)
    count = Fraction(abs(total)) / Fraction(unit)
    if count.denominator != 1:
        raise ValueError(f"{total} is no whole number")
    shares = _integers(weights)
    over = sum(shares)
    parts = [divmod(int(count) * share, over) for share in shares]
    missing = int(count) - sum(part for part, _ in parts)
    largest = sorted(range(len(parts)), key=lambda place: -parts[place][1])[:missing]
    more = set(largest)
    sign = -1 if total < 0 else 1
    return [sign * (part + (place in more)) * unit for place, (part, _) in enumerate(parts)]


def _integers(weights: Sequence[float]) -> list[int]:
    """Return whole numbers in exactly the proportions of floats: their denominators are powers of two."""
    ratios = [float(weight).as_integer_ratio() for weight in weights]
    scale = max(below for _, below in ratios)
    return [above * (scale // below) for above, below in ratios]


def year_before(day: date) -> date:
    """Return the same day a year earlier; 28 February for a leap day."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == LEAP_DAY else day.day)


def last_year(buckets: Sequence[Bucket], values: FloatArray, holidays: Sequence[date]) -> FloatArray:
    """Return what `values` (n, T) say of the same days a year before each bucket, (n, T), by working time.

    A bucket whose year before is not in the calendar has no value.
    """
    begin, end = buckets[0].start, buckets[-1].end
    before = [(year_before(bucket.start), year_before(bucket.end)) for bucket in buckets]
    there = [place for place, (first, beyond) in enumerate(before) if begin <= first < beyond <= end]
    found = np.full(values.shape, np.nan)
    if there:
        windows = [Bucket(place, *before[place]) for place in there]
        found[:, there] = sharing(buckets, windows, holidays).convert(values, "sum")
    return found
