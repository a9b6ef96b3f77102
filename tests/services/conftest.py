"""A company small enough to reckon by hand: one plant, one warehouse, three customers, two suppliers."""

import copy
from datetime import date

import numpy as np
import pytest

from app.exchange.dataset import Dataset, SeriesBlock
from app.vocabulary import DIMENSIONS, ENTITIES, Parameters, build_calendar

PARAMETERS = {
    "plan_date": "2026-01-05",
    "history_from": "2024-01-01",
    "weeks": "6",
    "months": "4",
    "currency": "EUR",
}
EUR = {"currency": "EUR"}
ENTITY_ROWS = {
    "unit": [{"unit": "EA"}, {"unit": "KG", "whole": False}, {"unit": "BOX"}],
    "unit_conversion": [{"item": "WHEEL", "from_unit": "BOX", "to_unit": "EA", "factor": 10.0}],
    "region": [{"region": "R", "name": "All"}],
    "party": [
        {"party": name, "name": name, "kind": "external"} for name in ("PC1", "PC2", "PC3", "PV1", "PV2")
    ],
    "family": [{"family": "F", "name": "Bikes"}],
    "item": [
        {"item": "BIKE", "type": "finished", "unit": "EA", "family": "F"},
        {"item": "EBIKE", "type": "finished", "unit": "EA", "family": "F"},
        {"item": "FRAME", "type": "subassembly", "unit": "EA"},
        {"item": "KIT", "type": "subassembly", "unit": "EA", "phantom": True},
        {"item": "WHEEL", "type": "purchased", "unit": "EA"},
        {"item": "TUBE", "type": "purchased", "unit": "KG"},
    ],
    "site": [
        {"site": "P", "kind": "plant"},
        {"site": "W", "kind": "warehouse"},
        {"site": "S1A", "kind": "ship_to", "customer": "C1", "demand_share": 3.0},
        {"site": "S1B", "kind": "ship_to", "customer": "C1", "demand_share": 1.0},
        {"site": "S2", "kind": "ship_to", "customer": "C2"},
        {"site": "S3", "kind": "ship_to", "customer": "C3"},
    ],
    "supplier": [
        {"supplier": "V1", "name": "V1", "party": "PV1"},
        {"supplier": "V2", "name": "V2", "party": "PV2"},
    ],
    "customer": [
        {"customer": "C1", "name": "C1", "party": "PC1", "region": "R", "class": 1},
        {"customer": "C2", "name": "C2", "party": "PC2", "region": "R", "class": 2},
        {"customer": "C3", "name": "C3", "party": "PC3", "region": "R", "class": 2, "channel": "shop"},
    ],
    "service_class": [
        {"class": 1, "late_cost": 0.2, "short_cost": 0.5, "max_late_days": 60},
        {"class": 2, "late_cost": 0.1, "short_cost": 0.3, "max_late_days": 60},
    ],
    "lane": [
        {"from_site": "P", "to_site": "W", "lead_time_days": 2.0},
        *({"from_site": "W", "to_site": site, "lead_time_days": 1.0} for site in ("S1A", "S1B", "S2", "S3")),
    ],
    "lane_cost": [{"from_site": "P", "to_site": "W", "cost": 1.0, **EUR}],
    "bom": [
        {"parent": "BIKE", "component": "FRAME", "quantity": 1.0},
        {"parent": "BIKE", "component": "KIT", "quantity": 1.0},
        {"parent": "EBIKE", "component": "FRAME", "quantity": 1.0},
        {"parent": "EBIKE", "component": "KIT", "quantity": 1.0},
        {"parent": "KIT", "component": "WHEEL", "quantity": 2.0},
        {"parent": "FRAME", "component": "TUBE", "quantity": 3.0, "scrap": 0.25},
    ],
    "production": [
        {"item": "BIKE", "site": "P", "lead_time_days": 0.0},
        {"item": "EBIKE", "site": "P", "lead_time_days": 0.0},
        {"item": "FRAME", "site": "P", "lead_time_days": 5.0, "yield": 0.8},
    ],
    "production_cost": [{"item": "BIKE", "site": "P", "cost": 10.0, **EUR}],
    "resource": [{"resource": "ASM", "name": "Assembly", "site": "P", "efficiency": 0.9}],
    "resource_cost": [{"resource": "ASM", "cost": 20.0, "overtime_cost": 30.0, **EUR}],
    "capacity": [
        {"resource": "ASM", "hours_per_day": 10.0, "overtime_hours_per_day": 2.0, "day_basis": "working"},
    ],
    "holiday": [{"site": "P", "date": date(2026, 1, 6)}],
    "routing": [
        {"item": "BIKE", "site": "P", "operation": 1, "resource": "ASM", "hours_per_unit": 1.0},
        {"item": "EBIKE", "site": "P", "operation": 1, "resource": "ASM", "hours_per_unit": 2.0},
    ],
    "supplier_item": [
        {"supplier": "V1", "item": "WHEEL", "lead_time_days": 7.0, "unit": "BOX"},
        {"supplier": "V2", "item": "WHEEL", "lead_time_days": 14.0, "unit": "EA"},
        {"supplier": "V1", "item": "TUBE", "lead_time_days": 14.0, "unit": "KG"},
    ],
    "purchase_price": [
        {"supplier": "V1", "item": "WHEEL", "price": 50.0, "per_unit": "BOX", **EUR},
        {"supplier": "V2", "item": "WHEEL", "price": 6.0, **EUR},
        {"supplier": "V1", "item": "TUBE", "price": 4.0, **EUR},
    ],
    "item_cost": [
        {"item": "BIKE", "standard_cost": 80.0, **EUR},
        {"item": "EBIKE", "standard_cost": 100.0, **EUR},
        {"item": "FRAME", "standard_cost": 30.0, **EUR},
    ],
    "selling_price": [
        {"item": "BIKE", "price": 200.0, **EUR},
        {"item": "EBIKE", "price": 500.0, **EUR},
        {"item": "BIKE", "channel": "shop", "price": 150.0, **EUR},
    ],
    "stock_policy": [{"item": "BIKE", "site": "W", "safety_stock": 10.0, "safety_days": 7.0}],
    "sales_order": [
        {
            "order": "SO1",
            "line": 1,
            "customer": "C1",
            "ship_to": "S1A",
            "item": "BIKE",
            "quantity": 12.0,
            "requested_date": date(2026, 1, 14),
        },
    ],
    "purchase_order": [
        {
            "order": "PO1",
            "line": 1,
            "supplier": "V1",
            "item": "WHEEL",
            "site": "P",
            "quantity": 60.0,
            "due_date": date(2025, 12, 30),
            "status": "shipped",
        },
    ],
    "work_order": [
        {"order": "WO1", "item": "FRAME", "site": "P", "quantity": 20.0, "due_date": date(2026, 1, 13)},
    ],
}
OPENING = {("BIKE", "W"): 60.0, ("FRAME", "P"): 40.0, ("WHEEL", "P"): 100.0, ("TUBE", "P"): 100.0}
HISTORY = {("BIKE", "C1"): 40.0, ("BIKE", "C2"): 30.0, ("BIKE", "C3"): 20.0, ("EBIKE", "C1"): 12.0}


class Company:
    """Rows and series that a test may change before it asks for the data set."""

    def __init__(self):
        self.rows = {kind: [] for kind in ENTITIES} | copy.deepcopy(ENTITY_ROWS)
        self.parameters = dict(PARAMETERS)
        self.series = {
            "openingStock": {self.key(item=i, site=s): {"2026-01-05": q} for (i, s), q in OPENING.items()},
            "actualDemand": {
                self.key(item=i, customer=c): {
                    f"{y}-{m:02}-01": q for y in (2024, 2025) for m in range(1, 13)
                }
                for (i, c), q in HISTORY.items()
            },
        }

    @staticmethod
    def key(**codes):
        return tuple(codes.get(name) for name in DIMENSIONS)

    def set(self, measure, values, **codes):
        """State a series by {day of the bucket: value}, or one number for every open bucket."""
        if not isinstance(values, dict):
            calendar = build_calendar(Parameters.of_texts(self.parameters))
            values = {bucket.start.isoformat(): values for bucket in calendar.open_buckets}
        self.series.setdefault(measure, {})[self.key(**codes)] = values

    def drop(self, kind, **match):
        self.rows[kind] = [r for r in self.rows[kind] if any(r.get(k) != v for k, v in match.items())]

    def dataset(self):
        parameters = [{"parameter": name, "value": value} for name, value in self.parameters.items()]
        rows = {**self.rows, "planning_parameter": parameters}
        entities = {kind: [_full(kind, row) for row in rows[kind]] for kind in ENTITIES}
        calendar = build_calendar(Parameters.of_texts(self.parameters))
        blocks = [_block(measure, cells, calendar) for measure, cells in self.series.items()]
        return Dataset(entities, blocks)


def _full(kind, row):
    columns = ENTITIES[kind].columns
    assert set(row) <= set(columns), set(row) - set(columns)
    full = {name: row.get(name, column.default) for name, column in columns.items()}
    if "name" in columns and full["name"] is None:
        full["name"] = full[ENTITIES[kind].key[0]]
    return full


def _block(measure, cells, calendar):
    values = np.full((len(cells), len(calendar)), np.nan)
    for row, series in enumerate(cells.values()):
        for day, value in series.items():
            values[row, calendar.index_of(date.fromisoformat(day))] = value
    return SeriesBlock(measure, list(cells), values)


@pytest.fixture
def company():
    return Company()
