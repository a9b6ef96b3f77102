"""policies/ is total: nothing without a line, no line without a thing, and each fault has its own code."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.access.catalogue import Catalogue
from app.access.checks import check, check_catalogue
from app.access.policies import FILES, load, parse, read_files
from app.errors import PolicyInvalid
from app.vocabulary import MEASURES

Files = dict[str, Any]


def test_the_shipped_policies_have_no_fault() -> None:
    assert check(load()) == []


def catalogue() -> Catalogue:
    """Return a database that has exactly what fields.toml lists."""
    tables = {table: tuple(columns) for table, columns in load().fields.items()}
    ids = {name: number for number, name in enumerate(MEASURES, start=1)}
    return Catalogue(tables, ids, frozenset(load().actions.call))


def test_a_database_as_listed_has_no_fault() -> None:
    assert check_catalogue(load(), catalogue()) == []


def drop_measure(files: Files) -> None:
    del files["measures"]["unitCost"]


def add_measure(files: Files) -> None:
    files["measures"]["luck"] = {"planner": "all"}


def drop_kind(files: Files) -> None:
    del files["rows"]["kind"]["bom"]


def add_kind(files: Files) -> None:
    files["rows"]["kind"]["horoscope"] = {"planner": "all"}


def unknown_role(files: Files) -> None:
    files["measures"]["unitCost"]["astrologer"] = "all"


def unknown_rule(files: Files) -> None:
    files["rows"]["table"]["plan.payoff"]["finance"] = "sometimes"


def party_sees_all(files: Files) -> None:
    files["measures"]["unitCost"]["supplier"] = "all"


def region_without_a_place(files: Files) -> None:
    files["measures"]["utilization"]["sales"] = "region"


def kind_that_cannot_be_narrowed(files: Files) -> None:
    files["rows"]["kind"]["unit"] = {"sales": "region"}


def column_for_a_role_without_rows(files: Files) -> None:
    files["fields"]["plan.payoff"]["value"] = ["sales"]


def submitted_by_a_stranger(files: Files) -> None:
    files["actions"]["submits"]["finance"]["measures"].append("salesForecast")


def input_that_nobody_submits(files: Files) -> None:
    files["actions"]["submits"]["finance"]["measures"].clear()


def own_but_nowhere_declared(files: Files) -> None:
    files["releases"]["withheld"]["measures"].remove("serviceLevel")


def own_in_two_ways(files: Files) -> None:
    files["releases"]["withheld"]["measures"].append("supplyAnswer")


def kind_of_inbox_without_a_line(files: Files) -> None:
    files["actions"]["action"]["capacitySubmit"]["submits"].append("complaint")


def two_roles_in_one(files: Files) -> None:
    files["parties"]["role"]["sales"]["database_role"] = "concord_finance"


def sensitive_for_who_cannot_read(files: Files) -> None:
    files["measures"]["sensitive"] = {"purchasePrice": ["sales"]}


def sensitive_measure_that_is_none(files: Files) -> None:
    files["measures"]["sensitive"] = {"luck": ["planner"]}


def four_eyes_without_a_first_pair(files: Files) -> None:
    files["actions"]["action"]["runCancel"]["four_eyes"] = True


FAULTS = [
    (sensitive_for_who_cannot_read, "stale-sensitive"),
    (sensitive_measure_that_is_none, "stale-sensitive"),
    (four_eyes_without_a_first_pair, "no-first-pair"),
    (drop_measure, "unlisted-measure"),
    (add_measure, "stale-measure"),
    (drop_kind, "unlisted-kind"),
    (add_kind, "stale-kind"),
    (unknown_role, "unknown-role"),
    (unknown_rule, "unknown-rule"),
    (party_sees_all, "wrong-visibility"),
    (region_without_a_place, "unscopable"),
    (kind_that_cannot_be_narrowed, "unscopable"),
    (column_for_a_role_without_rows, "no-rows"),
    (submitted_by_a_stranger, "wrong-submits"),
    (input_that_nobody_submits, "wrong-submits"),
    (own_but_nowhere_declared, "unlisted-own-measure"),
    (own_in_two_ways, "listed-twice"),
    (kind_of_inbox_without_a_line, "unlisted-inbox-kind"),
    (two_roles_in_one, "shared-database-role"),
]


@pytest.mark.parametrize(("damage", "code"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_fault_is_found_under_its_code(damage: Callable[[Files], None], code: str) -> None:
    files: Files = copy.deepcopy(read_files())
    damage(files)
    assert code in {fault.code for fault in check(parse(files))}


@pytest.mark.parametrize(
    ("table", "columns", "code"),
    [
        ("plan.rumour", ("id",), "unlisted-table"),
        ("plan.payoff", None, "stale-table"),
        ("plan.payoff", (*load().fields["plan.payoff"], "secret"), "unlisted-column"),
        ("plan.payoff", ("commit_id",), "stale-column"),
        ("outside.release", (*load().fields["outside.release"], "total"), "unlisted-release-column"),
        ("outside.released_gossip", ("party_id",), "unlisted-release"),
    ],
)
def test_what_the_database_has_must_be_listed(table: str, columns: tuple[str, ...] | None, code: str) -> None:
    tables = {name: found for name, found in {**catalogue().tables, table: columns}.items() if found}
    found = check_catalogue(load(), replace(catalogue(), tables=tables))
    assert code in {fault.code for fault in found}


def test_a_measure_that_the_database_does_not_know_is_a_fault() -> None:
    ids = dict(list(catalogue().measure_ids.items())[1:])
    found = check_catalogue(load(), replace(catalogue(), measure_ids=ids))
    assert [fault.code for fault in found] == ["unlisted-measure"]


@pytest.mark.parametrize(
    ("functions", "code"),
    [({*load().actions.call, "plan.peep"}, "unlisted-function"), ({"audit.note"}, "stale-function")],
)
def test_a_function_must_be_listed(functions: set[str], code: str) -> None:
    found = check_catalogue(load(), replace(catalogue(), functions=frozenset(functions)))
    assert {fault.code for fault in found} == {code}


def test_a_role_listed_twice_is_refused() -> None:
    files: Files = copy.deepcopy(read_files())
    files["rows"]["table"]["plan.payoff"]["departments"] = "all"
    with pytest.raises(PolicyInvalid, match=r"plan\.payoff: finance is listed twice"):
        parse(files)


def test_an_unknown_word_in_a_file_is_refused_with_its_place() -> None:
    files: Files = copy.deepcopy(read_files())
    files["actions"]["action"]["runCancel"]["rolls"] = ["planner"]
    with pytest.raises(PolicyInvalid, match=r"runCancel\.rolls"):
        parse(files)


@pytest.mark.parametrize(
    ("name", "value"), [("state", ["HALFTIME"]), ("first_pair", "asked"), ("four_eyes", "yes")]
)
def test_what_an_action_requires_is_from_a_closed_list(name: str, value: object) -> None:
    files: Files = copy.deepcopy(read_files())
    files["actions"]["action"]["planPublish"][name] = value
    with pytest.raises(PolicyInvalid, match=rf"planPublish\.{name}"):
        parse(files)


def test_a_state_of_the_cycle_may_be_named() -> None:
    files: Files = copy.deepcopy(read_files())
    files["actions"]["action"]["planPublish"]["state"] = ["EXECUTIVE_REVIEW"]
    assert parse(files).actions.action["planPublish"].state == ["EXECUTIVE_REVIEW"]


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match=r"parties\.toml"):
        read_files(tmp_path)
    for name in FILES:
        (tmp_path / f"{name}.toml").write_text("= broken", encoding="utf-8")
    with pytest.raises(PolicyInvalid, match=r"parties\.toml"):
        read_files(tmp_path)


def test_money_goes_to_finance_and_executives_alone() -> None:
    """Rule of the glossary: nobody but these two joins price and cost."""
    policies = load()
    for measure in ("contributionMargin", "inventoryValue", "actualRevenue"):
        assert set(policies.measures[measure]) == {"finance", "executive"}
    both = {
        role
        for role in policies.parties.role
        if {"sellingPrice", "unitCost"} <= {m for m, far in policies.measures.items() if role in far}
    }
    assert both == {"finance", "executive"}


ROLES = {
    "internal": "sales operations procurement finance executive planner administrator auditor",
    "supplier": "supplier_planner supplier_viewer",
    "customer": "customer_planner customer_viewer",
}


def test_the_roles_are_those_that_a_planning_company_has() -> None:
    assert {audience: " ".join(load().roles_of(audience)) for audience in ROLES} == ROLES
    assert load().measures["netDemand"]["sales"] == "region", "sales by region"
    assert load().measures["unitCost"]["operations"] == "site", "operations by site"


VALUES = {"plan.series", "plan.series_version", "plan.snapshot_series", "plan.payoff", "plan.binding_limit"}
"""Tables that hold figures; reference data and submissions go by kind and measure besides."""


def test_an_auditor_reads_who_did_what_and_no_business_values() -> None:
    policies = load()
    assert not [measure for measure, far in policies.measures.items() if "auditor" in far]
    assert not [kind for kind, far in policies.kinds.items() if "auditor" in far]
    assert not [
        name for name, action in policies.actions.action.items() if "auditor" in policies.roles(action.roles)
    ]
    tables = {table for table, rules in policies.rows.items() if "auditor" in rules}
    assert {table for table in tables if table.startswith("audit.")} == {
        table for table in policies.rows if table.startswith("audit.")
    }
    assert not tables & VALUES
    assert not {
        table for table in tables if table.startswith(("outside.", "identity.", "plan.reconciliation"))
    }
    assert "auditor" in policies.fields["plan.version"]["sealed_hash"]
    assert "auditor" not in policies.fields["audit.subject"]["key"]


def test_an_administrator_reads_no_business_values() -> None:
    policies = load()
    assert not [measure for measure, far in policies.measures.items() if "administrator" in far]
    assert not {table for table, rules in policies.rows.items() if "administrator" in rules} & VALUES
    assert {kind for kind, far in policies.kinds.items() if "administrator" in far} == {
        "region",
        "assignment",
        "supplier",
        "party",
        "customer",
        "site",
    }
