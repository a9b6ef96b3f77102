"""The two companies that the worlds are made of: one rich inside, one with parties that were released plans.

Each is founded in a database that is copied, so that two worlds share every id and every moment that they do
not differ in on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from uuid import UUID

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from app.access import HOST
from app.config import Settings
from app.store import branches
from app.store.branches import fork
from app.store.commits import write_commit
from app.store.database import Database, Transaction
from app.store.deltas import EntityChanges, SeriesChanges
from app.store.reconciliations import (
    BindingLimit,
    Payoff,
    Reconciliation,
    Stakeholder,
    Summary,
    write_reconciliation,
)
from app.store.versions import seal
from app.vocabulary import MEASURES
from tests.access.company import CALENDAR, found, key_of
from tests.outside import ENTITIES, PLAN, Row, Series, demand, plant, projection, release, result

PARAMETERS: Final = {
    "plan_date": "2026-01-05",
    "history_from": "2026-01-01",
    "weeks": "2",
    "months": "1",
    "currency": "EUR",
    "firm_days": "7",
    "tradeoff_days": "14",
}
RUNS: Final = (UUID(int=1), UUID(int=2))
RELEASED_AT: Final = datetime(2026, 1, 2, 9, tzinfo=UTC)
INBOX_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "supplier": ("acknowledgement", "supplierCommit", "supplierCapacity"),
    "customer": ("customerSignal", "pointOfSale", "customerStock"),
}


def found_inside(settings: Settings) -> None:
    """Found the company of the tests of access, with all measures, a scenario, two plans and an inbox."""
    asyncio.run(_found_inside(settings))
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        _fill_inbox(connection)
        _fill_runs(connection)


async def _found_inside(settings: Settings) -> None:
    await found(settings)
    database = await Database.open(settings)
    try:
        async with database.write(HOST) as tx:
            main = await branches.branch(tx, "main")
            parameters: list[Row] = [
                {"parameter": name, "value": value} for name, value in PARAMETERS.items()
            ]
            rules = EntityChanges({"planning_parameter": parameters})
            await write_commit(tx, main, author="D-HQ", reason="rules", entities=rules)
            await _write(tx, main, "second thoughts", 11.0, lambda number: number % 3 == 0)
            scenario = await fork(tx, await branches.head(tx), "scenario/cheaper", author="D-HQ")
            await _write(tx, scenario, "what if", 5.0, lambda number: number % 4 == 1)
            for number, kind in ((1, "final"), (2, "draft")):
                await _plan(tx, number, kind)
            await _write(tx, main, "third thoughts", 13.0, lambda number: number % 5 == 2)
    finally:
        await database.close()


async def _write(tx: Transaction, branch: branches.Branch, reason: str, value: float, chosen: Any) -> None:
    named = [(key_of(measure, side), measure) for measure in MEASURES for side in "AB"]
    keys = [key for number, (key, _) in enumerate(dict.fromkeys(named)) if chosen(number)]
    values = value + np.arange(len(keys))[:, None] + np.zeros((len(keys), len(CALENDAR)))
    await write_commit(tx, branch, author="D-HQ", reason=reason, series=SeriesChanges(keys, values))


async def _plan(tx: Transaction, number: int, kind: Any) -> None:
    """Write the result of a reconciliation and publish it."""
    inputs = await branches.head(tx)
    own = await fork(tx, inputs, f"plan/weighted/{number}", author="concord")
    keys = [key_of(name, side) for name, one in MEASURES.items() if one.kind == "solver" for side in "AB"]
    keys = list(dict.fromkeys(keys))
    made = await write_commit(
        tx,
        own,
        author="D-HQ",
        reason="reconcile",
        series=SeriesChanges(keys, np.full((len(keys), len(CALENDAR)), 20.0 + number)),
        inputs_commit=inputs,
        rule="weighted",
    )
    await write_reconciliation(tx, made, _said())
    await seal(tx, made, f"plan {number}", kind, by="D-HQ")


def _said() -> Reconciliation:
    summary = Summary("weighted", bytes(32), "optimal", 12.5, 12.0, 0.01, "EUR", 1.5, 2, _CERTIFICATE)
    outcomes = [
        Stakeholder(name, f"what {name} wants", "EUR", 100.0, 10.0, 50.0, 0.5, False, 40.0)
        for name in ("sales", "operations", "procurement", "finance")
    ]
    payoff = [Payoff(one.stakeholder, two.stakeholder, 7.0, 8.0) for one in outcomes for two in outcomes]
    limits = [
        BindingLimit("regular", None, "S1", None, "R1", 3, 8.0, 2.5, "Line one is full"),
        BindingLimit("supply", "I2", "S2", "V2", None, 3, 9.0, 1.5, "Seller two has no more"),
    ]
    return Reconciliation(summary, outcomes, payoff, limits)


_CERTIFICATE: Final = {"primal": 0.0, "dual": 1e-9, "complementarity": 0.0, "gap": 0.01, "accepted": True}


def _fill_inbox(connection: psycopg.Connection[Any]) -> None:
    """Let every external party submit one of everything, and the host take some of it in."""
    parties = connection.execute(
        "SELECT id, code FROM plan.entity WHERE kind = 'party' AND code IN ('P-DE', 'P-US', 'P-V1')"
    ).fetchall()
    for party, code in parties:
        for audience, kinds in INBOX_KINDS.items():
            for ordinal, kind in enumerate(kinds, 1):
                connection.execute(
                    "INSERT INTO outside.inbox (party_id, audience, ordinal, kind, payload, idempotency_key, "
                    "request_hash, submitted_by, submitted_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        *(party, audience, ordinal, kind, Jsonb({"release": 1, "quantity": 5.0})),
                        *(f"key-{ordinal}", bytes(32), f"someone@{code}", RELEASED_AT),
                    ),
                )
                if ordinal > 1:
                    connection.execute(
                        "INSERT INTO outside.inbox_outcome (party_id, audience, ordinal, kind, state, "
                        "reason, commit_id, at) VALUES (%s, %s, %s, %s, %s, %s, 1, %s)",
                        (*(party, audience, ordinal, kind), *_OUTCOMES[ordinal % 2], RELEASED_AT),
                    )


_OUTCOMES: Final = (("included", None), ("rejected", "The release was replaced."))


def _fill_runs(connection: psycopg.Connection[Any]) -> None:
    """Leave a run that is done and one that failed; neither is known by its inputs."""
    for number, state, detail in ((RUNS[0], "done", None), (RUNS[1], "failed", "V2 cannot deliver I2")):
        connection.execute(
            "INSERT INTO plan.run (id, plan_id, branch_id, rule, state, requested_by, requested_at, "
            "finished_at, progress, inputs_hash, result_commit_id, error_code, error_detail) "
            "SELECT %(id)s, b.plan_id, b.id, 'weighted', %(state)s, 'D-HQ', %(at)s, %(at)s, 1, %(hash)s, "
            "(SELECT head_id FROM plan.branch WHERE name = %(result)s), %(code)s, %(detail)s "
            "FROM plan.branch b WHERE b.name = 'main'",
            {
                "id": number,
                "state": state,
                "at": RELEASED_AT,
                "hash": bytes(32),
                "result": "plan/weighted/1" if detail is None else None,
                "code": None if detail is None else "INFEASIBLE",
                "detail": detail,
            },
        )


PRICES: Final[Mapping[str, list[Row]]] = {
    "purchase_price": [
        {"supplier": supplier, "item": "RIM", "price": price, "currency": "EUR"}
        for supplier, price in (("V1", 2.5), ("V2", 3.5))
    ],
    "selling_price": [
        {"customer": customer, "item": "BIKE", "price": price, "currency": "EUR"}
        for customer, price in (("C1", 300.0), ("C2", 280.0))
    ],
}
"""Prices: in the plan, and released to nobody."""


async def tell_parties(settings: Settings, party: str, audience: str, random: Random | None) -> None:
    """Publish a plan to every party; with `random`, one that is different in all that is not this party's.

    There may be an unreleased plan before it, and for a customer's sake a draft round with suppliers.
    """
    entities, plan = (ENTITIES, PLAN) if random is None else _others_changed(party, audience, random)
    database = await Database.open(settings)
    try:
        inputs = await plant(database, {**entities, **PRICES})
        if random is not None and random.random() < 0.5:
            unreleased = await result(database, inputs, "0", _later(plan))
            if audience == "customer":
                await release(database, unreleased, "draft", at=RELEASED_AT)
        await release(database, await result(database, inputs, "1", plan), "final", at=RELEASED_AT)
        await release(database, await result(database, inputs, "2", _later(plan)), "final", at=RELEASED_AT)
    finally:
        await database.close()
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        _let_others_submit(connection, party)


def _let_others_submit(connection: psycopg.Connection[Any], party: str) -> None:
    """Put submissions of everybody but one party into the inbox."""
    for audience, kind in (("supplier", "acknowledgement"), ("customer", "customerSignal")):
        connection.execute(
            "INSERT INTO outside.inbox (party_id, audience, ordinal, kind, payload, idempotency_key, "
            "request_hash, submitted_by, submitted_at) SELECT r.party_id, r.audience, n, %s, %s, "
            "'key-' || n, %s, 'somebody', %s FROM outside.release r JOIN plan.entity e ON e.id = r.party_id, "
            "generate_series(1, 4) n WHERE r.audience = %s AND r.ordinal = 1 AND e.code <> %s",
            (
                kind,
                Jsonb({"release": 1, "note": "theirs", "series": []}),
                bytes(32),
                RELEASED_AT,
                audience,
                party,
            ),
        )


def _later(plan: Series) -> Series:
    return {key: np.roll(np.asarray(values, float), 1) for key, values in plan.items()}


OWNED: Final[Mapping[str, frozenset[str]]] = {
    "PV1": frozenset({"V1", "V1B"}),
    "PV2": frozenset({"V2"}),
    "PC1": frozenset({"C1"}),
    "PC2": frozenset({"C2"}),
    "PB": frozenset({"V3", "C3"}),
}


def _others_changed(party: str, audience: str, random: Random) -> tuple[dict[str, list[Row]], Series]:
    """Return the company's rows and plan with another truth about everybody but one party.

    Suppliers' lead times stay for a customer: the reason `lead_time` says on purpose that one is too long.
    """
    own = OWNED[party] | {party}

    def foreign(row: Row) -> bool:
        named = {row.get(name) for name in ("party", "supplier", "customer")} - {None}
        return bool(named) and not named & own

    entities = {kind: [dict(row) for row in rows] for kind, rows in ENTITIES.items()}
    changing = ["purchase_order", "sales_order", "item_code", "party"]
    for kind in changing if audience == "customer" else [*changing, "supplier_item"]:
        entities[kind] = [
            _differently(kind, row, random) if foreign(row) else row
            for row in entities[kind]
            if not foreign(row) or kind in ("party", "supplier_item") or random.random() < 0.8
        ]
    plan = dict(PLAN)
    for key in PLAN:
        if not {key.supplier, key.customer} & own:
            plan[key] = [random.randrange(40) for _ in range(8)]
    if "V2" not in own and random.random() < 0.5:
        entities["supplier_item"].append(
            {"supplier": "V2", "item": "BOLT", "lead_time_days": 1.0, "unit": "EA"}
        )
        plan[projection("BOLT", "V2")] = [random.randrange(9) for _ in range(8)]
    if "C2" not in own and random.random() < 0.5:
        plan[demand("netDemand", "C2", "S2", "CART")] = [5] * 8
        plan[demand("constrainedDemand", "C2", "S2", "CART")] = [random.randrange(6) for _ in range(8)]
    return entities, plan


def _differently(kind: str, row: Row, random: Random) -> Row:
    """Return a row of another party with other names and figures."""
    changes: dict[str, Row] = {
        "purchase_order": {
            "quantity": float(random.randrange(1, 99)),
            "order": f"PO-{random.randrange(99)}-x",
        },
        "sales_order": {"quantity": float(random.randrange(1, 99)), "order": f"SO-{random.randrange(99)}-x"},
        "item_code": {"code": f"theirs-{random.randrange(99)}"},
        "party": {"name": f"Renamed {random.randrange(99)}"},
        "supplier_item": {"lead_time_days": float(random.randrange(1, 9))},
    }
    return {**row, **changes[kind]}
