"""A made-up company of any size: 40 % of its series are purchases, 30 % stock and production, 30 % demand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from app.store.identity import SeriesKey
from app.vocabulary import Bucket, Calendar

BUCKETS = 60
PER_SUPPLIER = 2_000
CUSTOMERS = 1_000
NARROWED = 322
"""Customers of the sales planner who sees only some."""

PURCHASES = ("purchaseProjection", "supplierCommit")
STOCKS = ("projectedBalance", "productionPlan", "safetyStock")
DEMANDS = ("consensusDemand", "netDemand")
MONDAY = date(2026, 1, 5)


def calendar() -> Calendar:
    """Return weeks, the first eight of them past."""
    days = [MONDAY + timedelta(weeks=number) for number in range(BUCKETS + 1)]
    return Calendar(tuple(Bucket(n, days[n], days[n + 1]) for n in range(BUCKETS)), days[8])


def items(series: int) -> int:
    """Return how many items a company with so many series has."""
    return max(1_000, series // 20)


def rows(series: int) -> dict[str, list[dict[str, object]]]:
    """Return the company's reference data."""
    sites = [{"site": f"S{n}", "name": f"Plant {n}", "kind": "plant"} for n in range(8)]
    parties = [{"party": f"P{n}", "name": f"Party {n}", "kind": "external"} for n in range(CUSTOMERS)]
    return {
        "unit": [{"unit": "EA", "name": "each"}],
        "site": [dict(row) for row in sites],
        "party": [dict(row) for row in parties],
        "supplier": [
            {"supplier": f"V{n}", "name": f"Vendor {n}", "party": f"P{n % CUSTOMERS}"}
            for n in range(suppliers(series))
        ],
        "customer": [
            {"customer": f"C{n}", "name": f"Customer {n}", "party": f"P{n}"} for n in range(CUSTOMERS)
        ],
        "item": [
            {"item": item(n), "name": item(n), "type": "finished", "unit": "EA"} for n in range(items(series))
        ],
    }


def suppliers(series: int) -> int:
    """Return how many suppliers, of 2,000 series each, a company with so many series has."""
    return series * 4 // 10 // PER_SUPPLIER


def item(number: int) -> str:
    return f"I{number:06d}"


def keys(series: int) -> list[SeriesKey]:
    """Return the keys of the company's series, in no order that would favour anybody."""
    found = [*_purchases(series), *_stocks(series), *_demands(series)]
    order = np.random.default_rng(1).permutation(len(found))
    return [found[place] for place in order.tolist()]


def _purchases(series: int) -> Iterator[SeriesKey]:
    for supplier in range(suppliers(series)):
        for number in range(PER_SUPPLIER // 2):
            name = item((supplier * 500 + number // 2) % items(series))
            for measure in PURCHASES:
                yield SeriesKey(measure, item=name, site=f"S{number % 2}", supplier=f"V{supplier}")


def _stocks(series: int) -> Iterator[SeriesKey]:
    for number in range(series // 10):
        for measure in STOCKS:
            yield SeriesKey(
                measure, item=item(number % items(series)), site=f"S{2 + number // items(series)}"
            )


def _demands(series: int) -> Iterator[SeriesKey]:
    for number in range(series * 3 // 20):
        customer = (number * 7 + number // items(series)) % CUSTOMERS
        for measure in DEMANDS:
            yield SeriesKey(measure, item=item(number % items(series)), site="S0", customer=f"C{customer}")


def values(count: int, seed: int) -> npt.NDArray[np.float64]:
    """Return whole quantities for so many series, a value in every bucket."""
    return np.random.default_rng(seed).integers(0, 1_000_000, (count, BUCKETS)).astype(np.float64)
