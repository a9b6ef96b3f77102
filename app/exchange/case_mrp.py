"""Stand-alone cases of the model "mrp": the classic explosion of rule 50 on a case's items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.engine.mrp import MrpItem, MrpPlan, explode
from app.engine.problem import FloatArray


def explode_case(case: Mapping[str, Any]) -> dict[str, Any]:
    """Explode a case; the answer has per item its gross requirements, planned receipts and releases.

    Raises PlanningError where an item contains itself or names a component that is not there.
    """
    periods = len(case["periods"])
    plans = explode({name: _item(row, periods) for name, row in case["items"].items()})
    return {
        "id": str(case.get("id", "")),
        "model": "mrp",
        "planned_order_releases": {name: plans[name].releases.tolist() for name in case["items"]},
        "items": {name: _row(plans[name]) for name in case["items"]},
    }


def _item(row: Mapping[str, Any], periods: int) -> MrpItem:
    rule = row.get("lot_rule") or {"type": "lot_for_lot"}
    return MrpItem(
        gross=_series(row.get("gross_requirements"), periods),
        receipts=_series(row.get("scheduled_receipts"), periods),
        on_hand=float(row.get("on_hand") or 0.0),
        lead_time=int(row.get("lead_time") or 0),
        lot=rule["type"],
        quantity=float(rule.get("quantity") or 0.0),
        components={name: float(amount) for name, amount in (row.get("components") or {}).items()},
    )


def _series(value: Any, periods: int) -> FloatArray:
    cells = value if isinstance(value, list) else [value]
    return np.broadcast_to(np.array([float(cell or 0.0) for cell in cells]), (periods,))


def _row(plan: MrpPlan) -> dict[str, Any]:
    return {
        "gross_requirements": plan.gross.tolist(),
        "planned_order_receipts": plan.receipts.tolist(),
        "planned_order_releases": plan.releases.tolist(),
        "projected_on_hand": plan.on_hand.tolist(),
        "past_due": plan.past_due,
    }
