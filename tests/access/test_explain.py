"""Why a principal sees something, or not: the line that is named is the line that decides."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.access.explain import Explainer, Verdict
from app.access.grants import grants_of
from app.access.lines import lines, place
from app.access.policies import DIRECTORY, FILES, load
from app.errors import NotFound

POLICIES = load()
PEOPLE = [role for audience in ("internal", "supplier", "customer") for role in POLICIES.roles_of(audience)]


def why(role: str, name: str) -> Verdict:
    """Return the first verdict on a name."""
    return Explainer(POLICIES, role).why(name)[0]


def text_of(verdict: Verdict) -> str:
    """Return the line of the policies that a verdict names."""
    file, _, number = verdict.line.partition(":")
    return (DIRECTORY.parent / file).read_text("utf-8").splitlines()[int(number) - 1]


@pytest.mark.parametrize("role", PEOPLE)
def test_the_verdicts_are_the_grants(role: str) -> None:
    grants = grants_of(role)
    found = Explainer(POLICIES, role).everything()
    granted = {
        what: {v.name for v in found if v.what == what and v.granted}
        for what in ("measure", "action", "kind")
    }
    assert granted == {
        "measure": set(grants.measures),
        "action": set(grants.actions),
        "kind": set(grants.kinds),
    }
    kept = {tuple(v.name.split(".")) for v in found if v.what == "field"}
    assert kept == set(grants.refused_fields)


@pytest.mark.parametrize("role", PEOPLE)
def test_every_verdict_names_a_line_about_it(role: str) -> None:
    for verdict in Explainer(POLICIES, role).everything():
        name = verdict.name.split(".")[-1] if verdict.what == "field" else verdict.name
        text = text_of(verdict)
        around = {"action": "roles", "field": verdict.name.split(".")[0]}.get(verdict.what, name)
        assert around in text, (verdict, text)


def test_a_supplier_reads_its_projections_by_release_and_no_customers_answers() -> None:
    own = why("supplier_viewer", "purchaseProjection")
    assert own.granted
    assert "through outside.released_projection (policies/releases.toml:" in own.how
    other = why("supplier_viewer", "supplyAnswer")
    assert (other.granted, other.how) == (False, "no entry for supplier_viewer or supplier")
    assert text_of(other).startswith("supplyAnswer = ")
    field = why("supplier_viewer", "Query.supplyAnswers")
    assert (field.granted, field.how) == (False, "of the customer graph; this role's is another")


def test_a_column_kept_for_others_is_told_from_a_table_without_rows() -> None:
    assert why("planner", "plan.binding_limit.shadow_price").how == "kept for others"
    assert why("finance", "binding_limit.shadow_price").granted
    assert why("sales", "plan.binding_limit.shadow_price").how.startswith("no entry for sales")


def test_what_nothing_is_called_is_said() -> None:
    with pytest.raises(NotFound):
        why("planner", "horoscope")


@pytest.mark.parametrize("name", FILES)
def test_every_entry_of_a_file_has_its_line(name: str) -> None:
    def paths(table: dict[str, object], before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        found = []
        for key, value in table.items():
            found.append((*before, key))
            if isinstance(value, dict) and (*before, key) not in inline:
                found += paths(value, (*before, key))
        return found

    text = (DIRECTORY / f"{name}.toml").read_text("utf-8")
    known = lines(name)
    inline = {path for path, number in known.items() if "= {" in text.splitlines()[number - 1]}
    assert set(paths(tomllib.loads(text))) - set(known) == set()
    assert place("measures", "nothing") == "policies/measures.toml"
    assert Path(DIRECTORY / f"{name}.toml").is_file()
