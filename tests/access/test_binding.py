"""From a principal to its scope: what its party holds at the head of main, or one and the same refusal."""

from __future__ import annotations

from typing import Any

import pytest

from app.access import DIRECTORY, HOST, grants_of
from app.access.scope import int_array
from app.config import Settings
from app.errors import Forbidden, NotGranted, PartyRefused
from app.store import branches
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.store.directory import bind
from tests.access.company import BASE, Company, principal


def ids(company: Company, *references: tuple[str, str]) -> str:
    return int_array(company.ids[reference] for reference in references)


async def scope_for(settings: Settings, audience: Any, role: str, party: str | None) -> Any:
    database = await Database.open(settings)
    try:
        return await bind(database, principal(audience, role, party))
    finally:
        await database.close()


async def test_a_department_with_a_region_and_a_site(company: Company) -> None:
    scope = await scope_for(company.settings, "internal", "sales", "D-EU")
    assert (scope.login, scope.role) == ("concord_internal", "concord_sales")
    assert scope.regions == ("DE", "EU")
    assert scope.sites == ("S1",)
    assert scope.party_id == company.ids["party", "D-EU"]
    assert dict(scope.settings) == {
        "concord.subject": "sales@D-EU",
        "concord.as_role": "sales",
        "concord.as_audience": "internal",
        "concord.as_party": "D-EU",
        "concord.party_id": str(company.ids["party", "D-EU"]),
        "concord.customer_ids": ids(company, ("customer", "C-DE")),
        "concord.party_ids": ids(company, ("party", "D-EU"), ("party", "P-DE")),
        "concord.market_site_ids": ids(company, ("site", "S1"), ("site", "S2"), ("site", "ST-DE")),
        "concord.site_ids": ids(company, ("site", "S1")),
        "concord.resource_ids": ids(company, ("resource", "R1")),
    }


@pytest.mark.parametrize("party", ["D-HQ", None])
async def test_without_an_assignment_a_department_is_responsible_for_all(
    company: Company, party: str | None
) -> None:
    scope = await scope_for(company.settings, "internal", "operations", party)
    assert scope.regions is None
    assert scope.sites is None
    assert scope.settings["concord.all_regions"] == "on"
    assert scope.settings["concord.all_sites"] == "on"
    assert "concord.customer_ids" not in scope.settings


async def test_a_party_that_is_supplier_and_customer_has_a_scope_on_each_side(company: Company) -> None:
    supplier = await scope_for(company.settings, "supplier", "supplier_planner", "P-US")
    customer = await scope_for(company.settings, "customer", "customer_viewer", "P-US")
    assert (supplier.login, supplier.role) == ("concord_supplier", "concord_supplier_planner")
    assert (customer.login, customer.role) == ("concord_customer", "concord_customer_viewer")
    as_whom = {"concord.as_role", "concord.as_audience", "concord.as_party"}
    for scope in (supplier, customer):
        assert set(scope.settings) == {"concord.subject", "concord.party_id", *as_whom}
        assert scope.party_id == company.ids["party", "P-US"]


@pytest.mark.parametrize(
    ("audience", "role", "party"),
    [
        ("supplier", "supplier_planner", "P-UNKNOWN"),
        ("supplier", "supplier_planner", "P-OUT"),  # suspended
        ("supplier", "supplier_planner", "P-NONE"),  # owns no code
        ("supplier", "supplier_planner", "P-DE"),  # a customer only
        ("supplier", "supplier_planner", "D-HQ"),  # a department
        ("supplier", "supplier_planner", None),
        ("supplier", "customer_planner", "P-V1"),  # a role of the other side
        ("customer", "customer_planner", "P-V1"),  # a supplier only
        ("internal", "sales", "D-OLD"),  # suspended
        ("internal", "sales", "P-DE"),  # an outside party
        ("internal", "host", None),  # the host's own role is nobody's
        ("internal", "directory", "D-HQ"),
        ("internal", "owner", "D-HQ"),
        ("internal", "supplier_planner", "D-HQ"),
        ("internal", "", "D-HQ"),
        ("internal", "king", "D-HQ"),
        ("internal", "sales", "' OR true --"),
        ("service", "host", None),
    ],
)
async def test_whoever_is_not_admitted_gets_the_same_refusal(
    company: Company, audience: str, role: str, party: str | None
) -> None:
    with pytest.raises(PartyRefused) as refusal:
        await scope_for(company.settings, audience, role, party)
    assert refusal.value.message == "Your party or role has no access here."
    assert refusal.value.details == {}


async def test_the_directory_reads_who_is_who_and_nothing_else(company: Company) -> None:
    database = await Database.open(company.settings)
    try:
        for table in ("plan.series_version", "plan.commit", "outside.inbox"):
            with pytest.raises(NotGranted):
                async with database.read(DIRECTORY) as tx:
                    await tx.fetch(f"SELECT * FROM {table}")
        async with database.read(DIRECTORY) as tx:
            rows = await tx.fetch("SELECT DISTINCT kind FROM plan.entity_version")
    finally:
        await database.close()
    seen = {"party", "supplier", "customer", "region", "site", "resource", "assignment"}
    assert {row["kind"] for row in rows} == seen


async def test_a_reorganisation_takes_effect_with_the_next_binding(database: Database) -> None:
    """Moving a customer moves what its planner sees; suspending a party ends its access."""
    rows = {
        kind: BASE[kind] for kind in ("region", "party", "assignment", "supplier", "customer", "site", "unit")
    }
    rows |= {"item": BASE["item"], "resource": BASE["resource"], "family": BASE["family"]}
    async with database.write(HOST) as tx:
        main = await branches.create_plan(tx, author="test")
        await write_commit(tx, main, author="a", reason="founded", entities=EntityChanges(rows=rows))
    planner, supplier = (
        principal("internal", "sales", "D-EU"),
        principal("supplier", "supplier_viewer", "P-V1"),
    )
    before = await bind(database, planner)
    await bind(database, supplier)
    moved = {"customer": "C-US", "name": "Buyer", "party": "P-US", "region": "DE"}
    suspended = {"party": "P-V1", "name": "Seller", "kind": "external", "active": False}
    async with database.write(HOST) as tx:
        changes = EntityChanges(rows={"customer": [moved], "party": [suspended]}, removed={"site": ["ST-US"]})
        await write_commit(tx, main, author="a", reason="reorganised", entities=changes)
        ids = dict(await tx.fetch_rows("SELECT code, id FROM plan.entity WHERE kind IN ('customer', 'site')"))
    after = await bind(database, planner)
    assert before.settings["concord.customer_ids"] == int_array([ids["C-DE"]])
    assert after.settings["concord.customer_ids"] == int_array([ids["C-DE"], ids["C-US"]])
    assert after.settings["concord.market_site_ids"] == int_array([ids["S1"], ids["S2"], ids["ST-DE"]])
    with pytest.raises(PartyRefused):
        await bind(database, supplier)


def test_grants_answer_what_code_has_to_ask() -> None:
    sales, planner, supplier = grants_of("sales"), grants_of("planner"), grants_of("supplier_planner")
    assert planner.may("planPublish")
    assert not sales.may("planPublish")
    with pytest.raises(Forbidden):
        sales.require("planPublish")
    assert sales.reads("revenue")
    assert not sales.reads("contributionMargin")
    assert sales.submits == {"salesForecast", "marketingUplift", "consensusDemand"}
    assert supplier.submits == {"supplierCommit", "supplierCapacity"}
    assert not grants_of("supplier_viewer").actions
    assert sales.reads_kind("customer")
    assert not sales.reads_kind("bom")
    with pytest.raises(PartyRefused):
        grants_of("king")
