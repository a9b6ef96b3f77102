"""From policies to SQL: deterministic, in the proven form, and closed to anything that is no identifier."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from app.access.catalogue import Catalogue
from app.access.compile import database_roles, statements
from app.access.policies import load, parse, read_files
from app.access.predicates import any_of, identifier, is_one_of, table_name, within
from app.access.scope import HOST, Scope, int_array
from app.errors import PolicyInvalid
from app.store.address import LOGINS
from app.vocabulary import MEASURES

TABLES = {table: tuple(columns) for table, columns in load().fields.items()}
IDS = {name: number for number, name in enumerate(MEASURES, start=1)}
CATALOGUE = Catalogue(TABLES, IDS)


def compiled(**changes: Any) -> list[str]:
    """Return the statements of the shipped policies, files replaced by name."""
    return statements(parse({**copy.deepcopy(read_files()), **changes}), CATALOGUE)


def test_the_same_policies_give_the_same_text() -> None:
    shuffled = {name: dict(reversed(file.items())) for name, file in copy.deepcopy(read_files()).items()}
    assert compiled() == compiled()
    assert sorted(compiled(fields=shuffled["fields"])) == sorted(compiled())


def test_every_comparison_with_the_callers_ids_has_the_proven_form() -> None:
    for statement in compiled():
        for part in statement.split("current_setting(")[1:]:
            assert part.startswith("'concord.")
            setting = part.removeprefix("'concord.").split("'")[0]
            tail = part.split("true)", 1)[1]
            if setting.startswith("all_"):
                assert tail.startswith(" = 'on')")
            else:
                assert tail.startswith(", ''))")


def test_an_unset_scope_and_a_measure_list_in_one_policy() -> None:
    (policy,) = [s for s in compiled() if s.startswith('CREATE POLICY "read_operations" ON "plan"."series" ')]
    ids = ",".join(
        str(IDS[m])
        for m in sorted(IDS, key=lambda m: IDS[m])
        if load().measures[m].get("operations") == "all"
    )
    assert f"\"measure_id\" = ANY ('{{{ids}}}'::smallint[])" in policy
    assert (
        f"\"measure_id\" = ANY ('{{{IDS['unitCost']}}}'::smallint[]) AND "
        "(\"site_id\" IN (SELECT unnest((nullif(current_setting('concord.site_ids', true), ''))::int[])) "
        "OR (SELECT current_setting('concord.all_sites', true) = 'on'))"
    ) in policy


def test_no_statement_gives_the_outside_anything_of_the_plan() -> None:
    outside = [
        f'"concord_{side}_{kind}"' for side in ("supplier", "customer") for kind in ("planner", "viewer")
    ]
    given = [s for s in compiled() if s.startswith(("GRANT", "CREATE POLICY")) and '"plan"' in s]
    assert len(given) > 100
    assert not [statement for statement in given if any(role in statement for role in outside)]


def test_a_line_that_comes_to_nothing_is_refused() -> None:
    rows: Any = copy.deepcopy(read_files())["rows"]
    rows["table"]["outside.inbox"]["finance"] = "submissions"
    with pytest.raises(PolicyInvalid, match=r"outside\.inbox: finance .* comes to nothing"):
        compiled(rows=rows)


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "A", "1a", "a;b", "ü", "a.b"])
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(PolicyInvalid):
        identifier(name)
    with pytest.raises(PolicyInvalid):
        table_name(f"plan.{name}")


def test_words_and_settings_are_checked_too() -> None:
    with pytest.raises(PolicyInvalid):
        is_one_of("kind", ["a'b"])
    own = load().parties.scope["own"]
    with pytest.raises(PolicyInvalid):
        within(own, "concord.x', true) OR true --", "party_id")
    with pytest.raises(PolicyInvalid):
        within(own, "role", "party_id")


def test_alternatives() -> None:
    assert any_of([]) is None
    assert any_of(["a"]) == "a"
    assert any_of(["a", "b"]) == "(a) OR (b)"
    assert any_of(["a", "true"]) == "true"


def test_every_database_role_belongs_to_one_login() -> None:
    roles = database_roles()
    assert set(roles.values()) == set(LOGINS)
    assert len(roles) == len(load().parties.role)


def test_a_scope_holds_ids_as_postgresql_reads_them() -> None:
    assert int_array([3, 1, 3]) == "{1,3}"
    assert int_array([]) == "{}"
    assert Scope("l", "r", {"concord.party_id": "7"}).party_id == 7
    assert HOST.party_id is None
    assert HOST.subject == "concord"
