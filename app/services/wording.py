"""Plans in a planner's words: buckets, quantities, names. No money: many roles read these sentences."""

from collections.abc import Mapping, Sequence

from app.services.planning.lookup import Row, text
from app.vocabulary import Bucket


def when(bucket: Bucket) -> str:
    """Return a bucket in words: a month, a week, or a range of days.

    >>> when(Bucket(0, date(2026, 3, 1), date(2026, 4, 1)))
    'March 2026'
    """
    start = bucket.start
    if start.day == 1 and bucket.end.day == 1 and bucket.days <= 31:
        return f"{start:%B %Y}"
    if bucket.days == 7:
        return f"the week of {start.day} {start:%B %Y}"
    return f"the {bucket.days} days from {start.day} {start:%B %Y}"


def amount(quantity: float) -> str:
    """Return a quantity as people write it: whole from 10 on, else one digit, no needless zeros."""
    return f"{quantity:,.0f}" if abs(quantity) >= 10 or quantity == round(quantity) else f"{quantity:,.1f}"


class Names:
    """Names of codes, as `Name (CODE)`."""

    def __init__(self, entities: Mapping[str, Sequence[Row]]) -> None:
        """Index the rows of items, sites, suppliers, customers and resources."""
        self._names = {
            (kind, str(row[kind])): text(row, "name")
            for kind in ("item", "site", "supplier", "customer", "resource", "family")
            for row in entities[kind]
        }

    def of(self, kind: str, code: str) -> str:
        """Return the name with its code; the code alone where they are the same."""
        name = self._names.get((kind, code))
        return code if name in {None, code} else f"{name} ({code})"
