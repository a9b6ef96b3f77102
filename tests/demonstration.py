"""A planning round of the demonstration company over HTTP: from the first login to what the parties read.

Who brings the tokens is another's matter: the story is the same with every issuer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import app.demo
from app.config import Settings
from app.services.importing import import_directory
from app.store.database import Database
from tests.serving import ask

COMPANY = Path(app.demo.__file__).parent / "company"
SALES, PLANNER, SUPPLIER, CUSTOMER = "sales", "planner", "supplier", "customer"
PATIENCE_SECONDS = 400

VIEWER = "{ viewer { subject audience party role } }"
OUTSIDE_VIEWER = "{ viewer { subject party role } }"
SUBMIT = """mutation ($input: SeriesSubmitInput!) {
  seriesSubmit(input: $input) { commit { author } changedSeries userErrors { message } } }"""
RECONCILE = """mutation { planReconcile(input: {rule: WEIGHTED}) { run { id } userErrors { message } } }"""
RUN = """query ($id: ID!) { run(id: $id) { state errorCode plan { commit { id author inputsId } } } }"""
PUBLISH = """mutation ($plan: ID!) {
  planPublish(input: {plan: {commit: $plan}, kind: FINAL, name: "agreed"}) {
    version { name publishedBy } userErrors { message } } }"""
PROJECTIONS = "{ purchaseProjections(first: 3) { nodes { item receiptDates quantities } } }"
ACKNOWLEDGE = """mutation {
  projectionAcknowledge(input: {release: 1, idempotencyKey: "read"}) {
    acknowledgement { releaseNumber } userErrors { message } } }"""
ANSWERS = "{ supplyAnswers(first: 3) { nodes { item requested onTime } } }"


async def load(settings: Settings) -> None:
    """Import the company."""
    database = await Database.open(settings)
    try:
        imported = await import_directory(database, COMPANY, author="test")
        assert imported.changed
    finally:
        await database.close()


async def told(url: str, token: str, document: str, **variables: object) -> dict[str, Any]:
    """Return the answer's data, which must be there and without complaints."""
    data = await ask(url, token, document, **variables)
    assert isinstance(data, dict), data
    for payload in data.values():
        assert not (isinstance(payload, dict) and payload.get("userErrors")), payload
    return data


async def play(url: str, tokens: Mapping[str, str]) -> dict[str, Any]:
    """Submit a forecast, plan, publish, and let a supplier and a customer read; return who is on record."""
    series = {"item": "A100", "customer": "FJELLHUS", "start": "2026-03-01", "values": [120, 130]}
    given = {"series": [{"salesForecast": series}], "reason": "spring", "idempotencyKey": "spring"}
    submitted = (await told(url, tokens[SALES], SUBMIT, input=given))["seriesSubmit"]
    assert submitted["changedSeries"] == 1
    plan = await _planned(url, tokens[PLANNER])
    published = (await told(url, tokens[PLANNER], PUBLISH, plan=plan["commit"]["id"]))["planPublish"]

    projections = (await told(url, tokens[SUPPLIER], PROJECTIONS))["purchaseProjections"]["nodes"]
    assert any(quantity for node in projections for quantity in node["quantities"])
    acknowledged = (await told(url, tokens[SUPPLIER], ACKNOWLEDGE))["projectionAcknowledge"]
    assert acknowledged["acknowledgement"]["releaseNumber"] == 1
    answers = (await told(url, tokens[CUSTOMER], ANSWERS))["supplyAnswers"]["nodes"]
    assert any(quantity for node in answers for quantity in node["requested"])
    return {"forecast": submitted["commit"]["author"], "published": published["version"]["publishedBy"]}


async def _planned(url: str, token: str) -> dict[str, Any]:
    """Ask for a plan and wait for it."""
    run = (await told(url, token, RECONCILE))["planReconcile"]["run"]["id"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = (await told(url, token, RUN, id=run))["run"]
            if found["state"] not in {"queued", "running"}:
                break
            await asyncio.sleep(1)
    assert found["state"] == "done", found
    plan: dict[str, Any] = found["plan"]
    return plan
