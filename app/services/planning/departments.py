"""The departments that a plan is reconciled between, and what each wants (rule P31)."""

from app.engine.solution import Stakeholder

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
