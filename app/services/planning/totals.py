"""What a plan earns and costs in its published buckets, by element, from its measures alone (rule P29)."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset
from app.services.planning.build import service_classes
from app.services.planning.facts import Facts
from app.services.planning.groups import Routes, class_of_customers
from app.services.planning.horizon import Horizon
from app.services.planning.notes import Notes
from app.services.planning.stocks import MONTH_DAYS, NOMINAL_VALUE, YEAR_DAYS

Values = npt.NDArray[np.float64]
SPENT = ("purchase", "production", "freight", "regular", "overtime")


def plan_totals(plan: Dataset) -> dict[str, float]:
    """Return currency by element over the open buckets of a data set that holds a plan's measures.

    `margin` is revenue less purchase, production, freight (that to customers included) and hours. Holding,
    safety, lateness and shortfall are what the planning rules charge; they are no part of the margin.
    """
    facts = Facts(plan, Horizon(plan.calendar), Notes())
    totals = {name: count(facts) for name, count in _ELEMENTS.items()}
    totals["margin"] = totals["revenue"] - sum(totals[name] for name in SPENT)
    return totals


def _rows(facts: Facts, measure: str) -> Iterator[tuple[dict[str, str], Values]]:
    """Yield codes and values (T,) of a measure, gaps as 0."""
    for codes, values in facts.series.planned(measure):
        yield {name: code for name, code in codes.items() if code is not None}, np.nan_to_num(values)


def _revenue(facts: Facts) -> float:
    return float(sum(values.sum() for _, values in _rows(facts, "revenue")))


def _purchase(facts: Facts) -> float:
    prices = facts.prices
    return float(
        sum(
            values @ prices.buying(codes["supplier"], codes["item"], codes["site"])
            for codes, values in _rows(facts, "purchaseProjection")
        )
    )


def _production(facts: Facts) -> float:
    """Return what making costs, and at standard what units bear only when they are sold."""
    prices = facts.prices
    made = sum(v @ prices.making(c["item"], c["site"]) for c, v in _rows(facts, "productionPlan"))
    return float(made + sum(v @ prices.on_sale(item, site) for item, site, _, v in _supplied(facts)))


def _freight(facts: Facts) -> float:
    freight = facts.prices.freight
    total = sum(v @ freight(c["site"], c["to_site"], c["item"]) for c, v in _rows(facts, "transfers"))
    for item, site, ship_to, values in _supplied(facts):
        if ship_to is not None and site != ship_to:
            total += values @ freight(site, ship_to, item)
    return float(total)


def _supplied(facts: Facts) -> Iterator[tuple[str, str, str | None, Values]]:
    """Yield item, supplying site, ship-to and what is delivered (T,) from there."""
    routes = Routes(facts)
    for codes, values in _rows(facts, "constrainedDemand"):
        ship_to = codes.get("site")
        for site, asked, _ in routes.of(codes["item"], ship_to):
            yield codes["item"], site, ship_to, values * asked


def _regular(facts: Facts) -> float:
    cost = facts.prices.regular_hour
    load = sum(v @ cost(c["resource"]) for c, v in _rows(facts, "capacityRequired"))
    return float(load - sum(v @ cost(c["resource"]) for c, v in _rows(facts, "overtime")))


def _overtime(facts: Facts) -> float:
    cost = facts.prices.overtime_hour
    return float(sum(v @ np.nan_to_num(cost(c["resource"])) for c, v in _rows(facts, "overtime")))


def _value(facts: Facts, codes: dict[str, str]) -> Values:
    """Return what a unit held is reckoned at (T,): its unit cost, a nominal value where none is known."""
    cost = np.nan_to_num(facts.series.cell("unitCost", item=codes["item"], site=codes["site"]))
    return np.where(cost > 0, cost, NOMINAL_VALUE)


def _holding(facts: Facts) -> float:
    rate = facts.parameters.number("holding_rate") * facts.horizon.days / YEAR_DAYS
    return float(sum((v * _value(facts, c)) @ rate for c, v in _rows(facts, "projectedBalance")))


def _safety(facts: Facts) -> float:
    rate = facts.parameters.number("safety_cost") * facts.horizon.days / MONTH_DAYS
    missing = 0.0
    for codes, target in _rows(facts, "safetyStock"):
        held = np.nan_to_num(facts.series.cell("projectedBalance", **codes))
        missing += float((np.maximum(target - held, 0.0) * _value(facts, codes)) @ rate)
    return missing


def _lateness(facts: Facts) -> float:
    rate = facts.horizon.days / MONTH_DAYS
    return _penalty(facts, "backlog", "late_cost", rate)


def _shortfall(facts: Facts) -> float:
    return _penalty(facts, "unmetDemand", "short_cost", np.ones(facts.horizon.periods))


def _penalty(facts: Facts, measure: str, share: str, rate: Values) -> float:
    """Return quantity x price x the class's share x rate, over all places."""
    classes, ranks = service_classes(facts.dataset), class_of_customers(facts.dataset)
    total = 0.0
    for codes, values in _rows(facts, measure):
        entitled = classes[ranks[codes["customer"]]]
        price = facts.prices.selling(codes["item"], codes["customer"])
        total += float((values * price) @ rate) * float(getattr(entitled, share))
    return total


_ELEMENTS: dict[str, Callable[[Facts], float]] = {
    "revenue": _revenue,
    "purchase": _purchase,
    "production": _production,
    "freight": _freight,
    "regular": _regular,
    "overtime": _overtime,
    "holding": _holding,
    "safety": _safety,
    "lateness": _lateness,
    "shortfall": _shortfall,
}
