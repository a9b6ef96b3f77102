"""A company with outside parties, small enough to reckon by hand, for the tests of releases and both graphs.

Parties: PV1 owns supplier codes V1 and V1B, PV2 owns V2, PB is supplier V3 and customer C3, PC1 and PC2 own
C1 and C2. RIM is bought by the box of ten, BOLT in cartons of unknown content. The calendar opens on
2026-01-05 with four weeks, the rest of the month and three months: eight buckets after three of history.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx2 as httpx
import numpy as np
import numpy.typing as npt
from starlette.types import ASGIApp

from app.access import HOST, PUBLISHER
from app.auth import issue_token
from app.config import Settings
from app.main import create_app
from app.services.releasing.copying import copy_out
from app.services.releasing.reading import read_plan
from app.services.releasing.reference import Reference
from app.services.releasing.view import Limit, PlanView
from app.store import branches
from app.store.branches import Commit, create_plan, fork
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges, SeriesChanges
from app.store.identity import SeriesKey
from app.store.releases import Release, lock_publication
from app.vocabulary import MEASURES, Parameters, build_calendar

PARAMETERS = {
    "plan_date": "2026-01-05",
    "history_from": "2025-11-01",
    "weeks": "4",
    "months": "3",
    "currency": "EUR",
    "firm_days": "14",
    "tradeoff_days": "30",
    "response_days": "5",
}
CALENDAR = build_calendar(Parameters.of_texts(PARAMETERS))
OPEN = len(CALENDAR.open_buckets)

Row = dict[str, object]
Series = Mapping[SeriesKey, npt.ArrayLike]

ENTITIES: dict[str, list[Row]] = {
    "planning_parameter": [{"parameter": name, "value": value} for name, value in PARAMETERS.items()],
    "unit": [
        {"unit": "EA", "name": "Each"},
        {"unit": "KG", "name": "Kilogram", "whole": False},
        {"unit": "BOX", "name": "Box"},
        {"unit": "CTN", "name": "Carton"},
    ],
    "unit_conversion": [{"item": "RIM", "from_unit": "BOX", "to_unit": "EA", "factor": 10.0}],
    "party": [
        {"party": party, "name": f"Party {party}", "kind": "external"}
        for party in ("PV1", "PV2", "PB", "PC1", "PC2")
    ]
    + [{"party": "PLAN", "name": "Planning", "kind": "department"}],
    "supplier": [
        {"supplier": supplier, "name": supplier, "party": party}
        for supplier, party in (("V1", "PV1"), ("V1B", "PV1"), ("V2", "PV2"), ("V3", "PB"))
    ],
    "customer": [
        {"customer": customer, "name": customer, "party": party}
        for customer, party in (("C1", "PC1"), ("C2", "PC2"), ("C3", "PB"))
    ],
    "item": [
        {"item": "BIKE", "name": "Bicycle", "type": "finished", "unit": "EA"},
        {"item": "CART", "name": "Cart", "type": "finished", "unit": "EA", "valid_to": date(2026, 2, 1)},
        {"item": "RIM", "name": "Rim", "type": "purchased", "unit": "EA"},
        {"item": "BOLT", "name": "Bolt", "type": "purchased", "unit": "EA"},
        {"item": "TUBE", "name": "Tube", "type": "purchased", "unit": "KG"},
    ],
    "item_code": [
        {"item": "RIM", "party": "PV1", "scheme": "own", "code": "pv1-rim"},
        {"item": "RIM", "party": "PV2", "scheme": "own", "code": "pv2-secret-rim"},
        {"item": "BIKE", "party": "PC1", "scheme": "own", "code": "pc1-bike"},
        {"item": "BIKE", "party": "PC2", "scheme": "own", "code": "pc2-secret-bike"},
        {"item": "TUBE", "party": "PB", "scheme": "own", "code": "pb-tube"},
    ],
    "site": [
        {"site": "P", "name": "Plant", "kind": "plant"},
        {"site": "W", "name": "Warehouse", "kind": "warehouse"},
        {"site": "S1", "name": "Shop one", "kind": "ship_to", "customer": "C1"},
        {"site": "S2", "name": "Shop two", "kind": "ship_to", "customer": "C2"},
        {"site": "S3", "name": "Shop three", "kind": "ship_to", "customer": "C3"},
    ],
    "bom": [{"parent": "BIKE", "component": "RIM", "quantity": 2.0}],
    "production": [{"item": "BIKE", "site": "P", "lead_time_days": 9.0}],
    "routing": [
        {"item": "BIKE", "site": "P", "operation": 1, "resource": "ASM", "hours_per_unit": 1.0},
    ],
    "resource": [{"resource": "ASM", "name": "Assembly", "site": "P"}],
    "supplier_item": [
        {"supplier": "V1", "item": "RIM", "lead_time_days": 10.0, "unit": "BOX"},
        {"supplier": "V1B", "item": "RIM", "lead_time_days": 3.0, "unit": "EA"},
        {"supplier": "V1", "item": "BOLT", "lead_time_days": 2.5, "unit": "CTN"},
        {"supplier": "V2", "item": "RIM", "lead_time_days": 5.0, "unit": "BOX"},
        {"supplier": "V3", "item": "TUBE", "lead_time_days": 0.0, "unit": "KG"},
    ],
    "purchase_order": [
        {
            "order": order,
            "line": 1,
            "supplier": supplier,
            "item": "RIM",
            "site": "P",
            "quantity": 40.0,
            "due_date": date(2026, 1, 9),
        }
        for order, supplier in (("PO-1", "V1"), ("PO-2-secret", "V2"))
    ],
    "sales_order": [
        {
            "order": order,
            "line": 1,
            "customer": customer,
            "ship_to": ship_to,
            "item": "BIKE",
            "quantity": 7.0,
            "requested_date": date(2026, 1, 14),
            "promised_date": date(2026, 1, 16),
        }
        for order, customer, ship_to in (("SO-1", "C1", "S1"), ("SO-2-secret", "C2", "S2"))
    ],
}


def projection(item: str, supplier: str, site: str = "P") -> SeriesKey:
    """Key of a purchase projection."""
    return SeriesKey("purchaseProjection", item=item, site=site, supplier=supplier)


def demand(measure: str, customer: str, ship_to: str, item: str = "BIKE") -> SeriesKey:
    """Key of a demand measure at a ship-to."""
    return SeriesKey(measure, item=item, site=ship_to, customer=customer)


PLAN: Series = {
    projection("RIM", "V1"): [0, 100, 50, 0, 200, 30, 0, 0],
    projection("RIM", "V1B"): [0, 0, 17, 0, 0, 0, 0, 0],
    projection("BOLT", "V1"): [5, 5, 5, 5, 0, 0, 0, 0],
    projection("RIM", "V2"): [0, 60, 0, 0, 0, 0, 0, 0],
    projection("TUBE", "V3"): [1.5, 0, 0, 0, 0, 0, 0, 0],
    demand("netDemand", "C1", "S1"): [10, 10, 10, 0, 0, 40, 0, 0],
    demand("constrainedDemand", "C1", "S1"): [10, 4, 12, 0, 0, 30, 0, 0],
    demand("unmetDemand", "C1", "S1"): [0, 0, 0, 0, 0, 10, 0, 0],
    demand("netDemand", "C2", "S2"): [8, 0, 0, 0, 0, 0, 0, 0],
    demand("constrainedDemand", "C2", "S2"): [8, 0, 0, 0, 0, 0, 0, 0],
    demand("netDemand", "C3", "S3"): [3, 0, 0, 0, 0, 0, 0, 0],
    demand("constrainedDemand", "C3", "S3"): [3, 0, 0, 0, 0, 0, 0, 0],
}
"""A plan in base units over the open buckets."""


def changes(series: Series) -> SeriesChanges:
    """Series over the open buckets as changes over the whole calendar."""
    values = np.full((len(series), len(CALENDAR)), np.nan)
    values[:, CALENDAR.first_open :] = np.array([np.asarray(row, float) for row in series.values()])
    return SeriesChanges(list(series), values)


async def plant(database: Database, entities: Mapping[str, list[Row]] = ENTITIES) -> Commit:
    """Write the company's reference data as the head of main."""
    async with database.write(HOST) as tx:
        main = await create_plan(tx, author="test")
        return await write_commit(
            tx, main, author="test", reason="import", entities=EntityChanges(entities), calendar=CALENDAR
        )


async def head_of(database: Database) -> Commit:
    """Return what main shows."""
    async with database.read(HOST) as tx:
        return await branches.head(tx)


async def result(database: Database, inputs: Commit, name: str, series: Series = PLAN) -> Commit:
    """Write a plan as the result of a reconciliation of these inputs, on a branch of its own."""
    async with database.write(HOST) as tx:
        branch = await fork(tx, inputs, f"plan/weighted/{name}", author="test")
        return await write_commit(
            tx,
            branch,
            author="test",
            reason="reconcile",
            series=changes(series),
            inputs_commit=inputs,
            rule="weighted",
        )


async def release(
    database: Database,
    plan: Commit,
    kind: str = "final",
    *,
    at: datetime | None = None,
    limits: tuple[Limit, ...] = (),
) -> None:
    """Copy a plan out to all parties, as publication does once it has sealed it."""
    async with database.write(PUBLISHER) as tx:
        await lock_publication(tx)
        view = await read_plan(tx, plan, limits)
        await copy_out(tx, plan, view, kind, at or datetime.now(UTC))


@dataclass(frozen=True)
class Client:
    """Asks the application over HTTP as one party."""

    http: httpx.AsyncClient
    token: str

    async def post(self, query: str, **variables: Any) -> httpx.Response:
        """Send a document, return the whole response."""
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers={"Authorization": f"Bearer {self.token}"})

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send a document that must succeed, return its data."""
        answer = (await self.post(query, **variables)).json()
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data


@dataclass(frozen=True)
class Served:
    """The application under test."""

    http: httpx.AsyncClient
    settings: Settings
    app: ASGIApp

    def token(self, audience: str, party: str, role: str | None = None) -> str:
        """A token of a party; a planner's unless another role is named."""
        return issue_token(self.settings, audience, role or f"{audience}_planner", party)

    def client(self, audience: str, party: str, role: str | None = None) -> Client:
        """A client of a party; a planner unless another role is named."""
        return Client(self.http, self.token(audience, party, role))


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Served]:
    """Serve the application in this process."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            yield Served(http, settings, app)


def plan_view(
    series: Series = PLAN,
    entities: Mapping[str, list[Row]] = ENTITIES,
    limits: tuple[Limit, ...] = (),
) -> PlanView:
    """The company's plan as publication sees it, without a database."""
    measured: dict[str, dict[tuple[str | None, ...], npt.NDArray[np.float64]]] = {}
    for key, values in series.items():
        grain = tuple(getattr(key, name) for name in MEASURES[key.measure].grain)
        measured.setdefault(key.measure, {})[grain] = np.asarray(values, float)
    return PlanView(CALENDAR, Parameters.of_texts(PARAMETERS), Reference(entities), measured, limits)


def head(view: PlanView, **other: Any) -> Release:
    """The head of a release of this plan."""
    facts: dict[str, Any] = {
        "ordinal": 1,
        "kind": "final",
        "party_name": "Party",
        "released_at": datetime(2026, 1, 2, tzinfo=UTC),
        "plan_date": view.plan_date,
        "response_due": date(2026, 1, 7),
        "answered_through": 0,
        "starts": tuple(bucket.start for bucket in view.buckets),
        "ends": tuple(bucket.end for bucket in view.buckets),
        "zones": view.zones,
    }
    return Release(**{**facts, **other})
