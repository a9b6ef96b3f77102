"""`viewer` and `measures`: what the caller may do, as the policies have it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.vocabulary import MEASURES

Ask = Callable[..., Awaitable[Any]]

VIEWER = "{ viewer { subject audience party role regions sites reads submits actions } }"


async def test_a_regional_sales_planner_is_named_with_its_regions(ask: Ask) -> None:
    viewer = (await ask("sales", VIEWER)).data["viewer"]
    assert (viewer["party"], viewer["role"], viewer["audience"]) == ("SALES-NORTH", "sales", "internal")
    assert viewer["regions"] == ["NORTH"]
    assert viewer["sites"] is None
    assert "sellingPrice" in viewer["reads"]
    assert "unitCost" not in viewer["reads"]
    assert viewer["submits"] == ["salesForecast", "marketingUplift", "consensusDemand"]
    assert "seriesSubmit" in viewer["actions"]
    assert "planPublish" not in viewer["actions"]


async def test_a_plant_planner_is_named_with_its_sites(ask: Ask) -> None:
    viewer = (await ask("operations", VIEWER, party="OPS-SOUTH")).data["viewer"]
    assert (viewer["regions"], viewer["sites"]) == (None, ["PLANT-S"])


@pytest.mark.parametrize(
    ("role", "actions"), [("administrator", ["partyReinstate", "partySuspend"]), ("auditor", [])]
)
async def test_who_manages_or_audits_reads_no_measure(ask: Ask, role: str, actions: list[str]) -> None:
    viewer = (await ask(role, VIEWER)).data["viewer"]
    assert (viewer["reads"], viewer["submits"], viewer["actions"]) == ([], [], actions)


@pytest.mark.parametrize("role", ["sales", "finance", "administrator"])
async def test_measures_say_what_the_role_may_do_with_each(ask: Ask, role: str) -> None:
    data = (
        await ask(
            role, "{ viewer { reads submits } measures { name readable submittable unit timeRule kind } }"
        )
    ).data
    assert [measure["name"] for measure in data["measures"]] == list(MEASURES)
    assert [m["name"] for m in data["measures"] if m["readable"]] == data["viewer"]["reads"]
    assert [m["name"] for m in data["measures"] if m["submittable"]] == data["viewer"]["submits"]
    price = next(measure for measure in data["measures"] if measure["name"] == "sellingPrice")
    assert (price["unit"], price["timeRule"], price["kind"]) == ("currency/UoM", "WEIGHTED", "DERIVED")
