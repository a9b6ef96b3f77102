"""What a plan earns and costs in its published buckets, by element (rule P29)."""

import numpy as np
import numpy.typing as npt

from app.engine.problem import Kind
from app.engine.solution import Decisions
from app.exchange.dataset import SeriesBlock
from app.services.planning.build import PlanModel
from app.services.planning.groups import shared_out

Values = npt.NDArray[np.float64]
ELEMENT_OF = {Kind.MAKE: "production", Kind.PURCHASE: "purchase", Kind.TRANSFER: "freight"}


def published_totals(
    model: PlanModel, decisions: Decisions, blocks: list[SeriesBlock]
) -> dict[str, float]:
    """Return currency by element over the published buckets; `freight` includes that to customers.

    `margin` is revenue less purchase, production, freight and hours; the other elements price rules.
    """
    problem, until = model.problem, model.problem.published
    totals = {name: 0.0 for name in ("revenue", "purchase", "production", "freight")}
    for kind, element in ELEMENT_OF.items():
        rows = problem.activities.kind == kind
        totals[element] += _money(decisions.level[rows], problem.activities.cost[rows], until)
    delivered, _ = shared_out(model.groups, decisions.deliver, decisions.short)
    freight = np.array([part.freight for part in model.groups.parts]).reshape(delivered.shape)
    totals["freight"] += _money(delivered, freight, until)
    revenue = next((block.values for block in blocks if block.measure == "revenue"), np.zeros(0))
    totals["revenue"] = float(np.nansum(revenue))
    resources, stocks, demands = problem.resources, problem.stocks, problem.demands
    totals["regular"] = _money(decisions.regular, resources.regular_cost, until)
    totals["overtime"] = _money(decisions.overtime, resources.overtime_cost, until)
    totals["margin"] = totals["revenue"] - sum(value for name, value in totals.items() if name != "revenue")
    totals["holding"] = _money(decisions.stock, stocks.holding_cost, until)
    totals["safety"] = _money(decisions.below_target, stocks.target_cost, until)
    totals["lateness"] = _money(decisions.backlog, demands.late_cost, until)
    totals["shortfall"] = _money(decisions.short, demands.short_cost, until)
    return totals


def _money(quantity: Values, price: Values, until: int) -> float:
    return float((quantity[:, :until] * np.nan_to_num(price[:, :until])).sum())
