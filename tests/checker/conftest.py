"""A small plan, worked out by hand: four weeks, one product, one purchased part, a plant and a warehouse.

FG is made at P in lots of 10 and a week: each takes one PH (a phantom: two RM, 0.1 hours) and half an hour.
It moves to W within a week and from there to the customer's ship-to C1 within two days.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

PLAN_DATE = date(2026, 1, 5)
STARTS = [(PLAN_DATE + timedelta(days=7 * week)).isoformat() for week in range(4)]

ENTITIES: dict[str, list[dict[str, object]]] = {
    "planning_parameter": [
        {"parameter": "plan_date", "value": PLAN_DATE},
        {"parameter": "history_from", "value": "2026-01-01"},
        {"parameter": "weeks", "value": 4},
        {"parameter": "months", "value": 0},
        {"parameter": "currency", "value": "EUR"},
        {"parameter": "rate.USD", "value": 0.5},
    ],
    "unit": [
        {"unit": "EA", "name": "Each", "whole": "true"},
        {"unit": "BOX", "name": "Box", "whole": "true"},
    ],
    "unit_conversion": [{"item": "RM", "from_unit": "BOX", "to_unit": "EA", "factor": 20}],
    "item": [
        {"item": "FG", "name": "Product", "unit": "EA"},
        {"item": "PH", "name": "Kit", "unit": "EA", "phantom": "true"},
        {"item": "RM", "name": "Part", "unit": "EA"},
    ],
    "item_cost": [
        {"item": "FG", "standard_cost": 50, "currency": "EUR"},
        {"item": "RM", "standard_cost": 4, "currency": "USD"},
    ],
    "site": [
        {"site": "P", "name": "Plant", "kind": "plant"},
        {"site": "W", "name": "Warehouse", "kind": "warehouse"},
        {"site": "C1", "name": "Shop", "kind": "ship_to", "customer": "C"},
    ],
    "customer": [{"customer": "C", "name": "Customer", "party": "C", "class": 1, "channel": "web"}],
    "service_class": [{"class": 1, "late_cost": 0.1, "short_cost": 0.3}],
    "bom": [
        {"parent": "FG", "component": "PH", "quantity": 1},
        {"parent": "PH", "component": "RM", "quantity": 1.5, "scrap": 0.25},
    ],
    "production": [{"item": "FG", "site": "P", "lead_time_days": 7, "lot_multiple": 10}],
    "production_cost": [{"item": "FG", "site": "P", "cost": 1, "currency": "EUR"}],
    "resource": [{"resource": "R1", "name": "Line", "site": "P"}],
    "resource_cost": [{"resource": "R1", "cost": 10, "overtime_cost": 15, "currency": "EUR"}],
    "capacity": [{"resource": "R1", "hours_per_day": 3, "overtime_hours_per_day": 1}],
    "routing": [
        {"item": "FG", "site": "P", "operation": 10, "resource": "R1", "hours_per_unit": 0.5},
        {"item": "PH", "site": "P", "operation": 10, "resource": "R1", "hours_per_unit": 0.1},
    ],
    "supplier_item": [
        {
            "supplier": "S",
            "item": "RM",
            "lead_time_days": 7,
            "unit": "BOX",
            "order_multiple": 1,
            "max_quantity_per_period": 300,
        }
    ],
    "purchase_price": [
        {"supplier": "S", "item": "RM", "price": 40, "per_unit": "BOX", "currency": "EUR"},
    ],
    "selling_price": [
        {"item": "FG", "channel": "web", "price": 100, "currency": "EUR"},
        {"item": "FG", "price": 120, "currency": "EUR"},
    ],
    "purchase_order": [
        {
            "order": "PO1",
            "line": 1,
            "supplier": "S",
            "item": "RM",
            "site": "P",
            "quantity": 20,
            "due_date": "2026-01-07",
        }
    ],
    "lane": [
        {"from_site": "P", "to_site": "W", "lead_time_days": 7, "max_quantity_per_day": 10},
        {"from_site": "W", "to_site": "C1", "lead_time_days": 2},
    ],
    "lane_cost": [
        {"from_site": "P", "to_site": "W", "cost": 0.5, "currency": "EUR"},
        {"from_site": "W", "to_site": "C1", "cost": 1, "currency": "EUR"},
    ],
}

SERIES: dict[str, dict[str, list[float | None]]] = {
    "openingStock": {"item=FG site=P": [10], "item=FG site=W": [20], "item=RM site=P": [40]},
    "firmPlanned": {"item=FG site=P": [20]},
    "productionPlan": {"item=FG site=P": [20, 10, 30]},
    "purchaseProjection": {"item=RM site=P supplier=S": [0, 0, 60]},
    "transfers": {"item=FG site=P to_site=W": [10, 20, 10]},
    "supplierCommit": {"item=RM site=P supplier=S": [None, None, 60]},
    "supplierCapacity": {"item=RM supplier=S": [None, None, 60]},
    "scheduledReceipts": {"item=RM site=P": [20]},
    "projectedBalance": {
        "item=FG site=P": [0, 0, 0, 30],
        "item=FG site=W": [5, 0, 0, 3],
        "item=RM site=P": [20, 0, 0, 0],
    },
    "capacityAvailable": {"resource=R1": [15, 15, 15, 15]},
    "overtimeAvailable": {"resource=R1": [5, 5, 5, 5]},
    "capacityRequired": {"resource=R1": [12, 6, 18, 0]},
    "overtime": {"resource=R1": [0, 0, 3, 0]},
    "netDemand": {"item=FG site=C1 customer=C": [15, 20, 20, 5]},
    "constrainedDemand": {"item=FG site=C1 customer=C": [15, 15, 20, 7]},
    "unmetDemand": {"item=FG site=C1 customer=C": [0, 0, 3, 0]},
    "backlog": {"item=FG site=C1 customer=C": [0, 5, 2, 0]},
    "supplyAnswer": {"item=FG customer=C": [15, 15, 20, 7]},
    "revenue": {"item=FG customer=C": [1500, 1500, 2000, 700]},
}

TOTALS = {
    "revenue": 5700.0,
    "purchase": 60 * 2.0,
    "production": 60.0,
    "freight": 40 * 0.5 + 57 * 1.0,
    "regular": (12 + 6 + 15) * 10.0,
    "overtime": 3 * 15.0,
    "margin": 5700.0 - 120 - 60 - 77 - 330 - 45,
    "holding": (30 * 50 + 8 * 50 + 20 * 2) * 0.2 * 7 / 365,
    "safety": 0.0,
    "lateness": 7 * 100 * 0.1 * 7 / 30,
    "shortfall": 3 * 100 * 0.3,
}


class Plan:
    """The plan's files, for a test to change before they are written."""

    def __init__(self) -> None:
        self.entities = {kind: [dict(row) for row in rows] for kind, rows in ENTITIES.items()}
        self.series = {name: {key: list(row) for key, row in rows.items()} for name, rows in SERIES.items()}
        self.claims: dict[str, object] = {"status": "optimal", "totals": dict(TOTALS)}

    def set(self, measure: str, week: int, value: float | None, key: str | None = None) -> None:
        """Change one figure, of the only series unless a key is given."""
        rows = self.series.setdefault(measure, {})
        row = rows.setdefault(key if key is not None else next(iter(rows)), [])
        row += [None] * (week + 1 - len(row))
        row[week] = value

    def write(self, directory: Path) -> Path:
        (directory / "series").mkdir(parents=True)
        for kind, rows in self.entities.items():
            columns = sorted({name for row in rows for name in row})
            _write(
                directory / f"{kind}.csv", columns, [[row.get(name, "") for name in columns] for row in rows]
            )
        for measure, series in self.series.items():
            lines = [
                [*(part.split("=")[1] for part in key.split()), STARTS[week], value]
                for key, row in series.items()
                for week, value in enumerate(row)
                if value is not None
            ]
            names = [part.split("=")[0] for part in next(iter(series)).split()]
            _write(directory / "series" / f"{measure}.csv", [*names, "start", "value"], lines)
        (directory / "plan.json").write_text(json.dumps(self.claims))
        return directory


def _write(path: Path, columns: list[str], lines: list[list[object]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(lines)


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Plan], Path]:
    """Writes a plan into a directory of its own."""
    return lambda plan: plan.write(tmp_path / "plan")
