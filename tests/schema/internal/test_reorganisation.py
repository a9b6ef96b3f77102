"""A customer moves to another region: what its sales planner sees moves with it, history included."""

from __future__ import annotations

from collections.abc import Mapping

from app.access import HOST
from app.config import Settings
from app.store.branches import branch, head
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.entities import read_entities
from tests.schema.internal.conftest import Ask, opened

CUSTOMER = "FJELLHUS"
SEEN = """query ($at: PlanAt) {
  plan(at: $at) { series(measure: salesForecast, first: 1000, filter: {customers: ["FJELLHUS"]}) {
    nodes { itemCode customerCode values } } } }"""


async def move(database: Database, region: str) -> tuple[int, int]:
    """Give the customer another region; returns the rows of figures before and after."""
    count = "SELECT count(*) FROM plan.series_version"
    async with database.write(HOST) as tx:
        before = await tx.fetch_value(count)
        (row,) = [
            row
            for row in (await read_entities(tx, await head(tx), ["customer"]))["customer"]
            if row["customer"] == CUSTOMER
        ]
        changes = EntityChanges({"customer": [{**row, "region": region}]})
        await write_commit(tx, await branch(tx, "main"), author="test", reason="moved", entities=changes)
        return before, await tx.fetch_value(count)


async def seen(ask: Ask, party: str, at: Mapping[str, object]) -> list[object]:
    """What a sales planner reads of the customer at a state."""
    answer = await ask("sales", SEEN, {"at": dict(at)}, party=party)
    nodes: list[object] = answer.data["plan"]["series"]["nodes"]
    return nodes


async def test_history_moves_with_the_customer_and_no_row_is_rewritten(
    ask_own: Ask, own_company: Settings
) -> None:
    async with opened(own_company) as database:
        async with database.read(HOST) as tx:
            then = {"time": (await head(tx)).at.isoformat()}
        old, new = "SALES-NORTH", "SALES-SOUTH"
        whole = await seen(ask_own, old, then)
        assert whole
        assert await seen(ask_own, new, then) == []
        before, after = await move(database, "SOUTH")
    assert before == after
    assert await seen(ask_own, new, then) == whole, "the state before the move, too"
    assert await seen(ask_own, new, {"branch": "main"}) == whole
    for at in (then, {"branch": "main"}):
        assert await seen(ask_own, old, at) == []
