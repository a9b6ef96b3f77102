"""The departments that a plan is reconciled between, and what each wants (rule P31)."""

from dataclasses import replace

from app.engine.solution import Stakeholder
from app.vocabulary import Parameters

# What binds everybody: nobody's optimum sells out the safety stock or the end of the horizon.
COMMON = {"safety": -1.0, "terminal": -1.0}
PAID = ("purchase", "production", "freight", "subcontract", "regular", "overtime", "smoothing")

SALES = Stakeholder(
    "sales",
    {**COMMON, "revenue": 1.0, "lateness": -1.0, "shortfall": -1.0, "priority": -1.0},
    objective="revenue less the cost of late and lost demand",
)
# Material and regular hours follow the volume and are nobody's fault: with them in it, operations' optimum
# would be to make nothing, and every reconciled plan would leave profitable demand unserved.
OPERATIONS = Stakeholder(
    "operations",
    {
        **COMMON,
        **dict.fromkeys(("overtime", "subcontract", "smoothing", "holding", "lateness", "shortfall"), -1.0),
    },
    objective="least overtime, change of rate and stock, and least cost of late and lost demand",
)
FINANCE = Stakeholder(
    "finance",
    {**COMMON, **dict.fromkeys(PAID, -1.0), "revenue": 1.0, "holding": -1.0, "priority": -1.0},
    objective="margin less the capital cost of stock",
)
DEPARTMENTS = (SALES, OPERATIONS, FINANCE)


def departments_of(parameters: Parameters) -> tuple[Stakeholder, ...]:
    """Return the departments in the company's order, with the weights, tolerances and targets it states."""
    order = [name.strip() for name in parameters.text("department_order").split(",")]
    known = {one.name: place for place, one in enumerate(DEPARTMENTS)}
    place = {name: rank for rank, name in enumerate(order)}
    ranked = sorted(DEPARTMENTS, key=lambda one: (place.get(one.name, len(order)), known[one.name]))
    return tuple(_as_stated(one, parameters) for one in ranked)


def _as_stated(one: Stakeholder, parameters: Parameters) -> Stakeholder:
    def stated(what: str) -> float | None:
        name = f"department_{what}.{one.name}"
        return parameters.number(name) if name in parameters else None

    weight, tolerance = stated("weight"), stated("tolerance")
    return replace(
        one,
        weight=one.weight if weight is None else weight,
        tolerance=one.tolerance if tolerance is None else tolerance,
        target=stated("target"),
    )
