"""Ship-tos: where the demand of a customer falls (model rule D7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShipTo:
    """A ship-to of a customer with its weight in the customer's demand."""

    site: str | None
    share: float


def ship_tos(sites: Iterable[Mapping[str, object]]) -> dict[str, tuple[ShipTo, ...]]:
    """Return the ship-tos of each customer, largest share first, then by code; shares add up to one.

    `sites` are rows of the kind `site`. Weights that are all zero count as equal.
    """
    weights: dict[str, list[tuple[str, float]]] = {}
    for row in sites:
        if row["kind"] == "ship_to" and row.get("customer") is not None:
            share = row.get("demand_share")
            weight = 1.0 if share is None else float(str(share))
            weights.setdefault(str(row["customer"]), []).append((str(row["site"]), weight))
    return {customer: _normalised(pairs) for customer, pairs in weights.items()}


def _normalised(pairs: Sequence[tuple[str, float]]) -> tuple[ShipTo, ...]:
    total = sum(weight for _, weight in pairs)
    shares = [ShipTo(site, weight / total if total > 0 else 1.0 / len(pairs)) for site, weight in pairs]
    return tuple(sorted(shares, key=lambda shipto: (-shipto.share, shipto.site or "")))


def of_customer(customer: str, known: Mapping[str, tuple[ShipTo, ...]]) -> tuple[ShipTo, ...]:
    """Return a customer's ship-tos; a customer without any takes its goods at an unnamed place (None)."""
    return known.get(customer, (ShipTo(None, 1.0),))
