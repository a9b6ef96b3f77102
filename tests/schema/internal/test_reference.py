"""The lists of the reference data: every kind, every column, pages, narrowing, references, grants."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from app.access import grants_of
from app.vocabulary import ENTITIES, Entity
from schema.internal.reference import camel, code_field, plural, type_name
from tests.schema.internal.conftest import PARTIES

Ask = Callable[..., Awaitable[Any]]
COMPANY = Path(str(files("app.demo") / "company"))


def rows(kind: str) -> list[dict[str, str]]:
    """Return the rows of a file of the demonstration company."""
    path = COMPANY / f"{kind}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns(entity: Entity) -> str:
    """Return a selection of all fields that hold a column's own value."""
    return " ".join(camel(code_field(entity, column)) for column in entity.columns.values())


@pytest.mark.parametrize("kind", list(ENTITIES))
async def test_every_kind_is_listed_as_it_was_imported(ask: Ask, kind: str) -> None:
    entity = ENTITIES[kind]
    role = next(role for role in ("planner", "finance", "administrator") if grants_of(role).reads_kind(kind))
    query = f"{{ {plural(kind)}(first: 1000) {{ nodes {{ __typename id {columns(entity)} }} }} }}"
    nodes = (await ask(role, query)).data[plural(kind)]["nodes"]
    imported = rows(kind)
    assert len(nodes) == len(imported)
    assert {node["__typename"] for node in nodes} == ({type_name(kind)} if imported else set())
    assert len({node["id"] for node in nodes}) == len(nodes)
    for name, column in entity.columns.items():
        field = camel(code_field(entity, column))
        if column.type in {"code", "text"} and column.default is None and imported and name in imported[0]:
            assert sorted(node[field] or "" for node in nodes) == sorted(row[name] for row in imported)


@pytest.mark.parametrize("role", PARTIES)
async def test_a_role_reads_exactly_the_kinds_that_are_granted(ask: Ask, role: str) -> None:
    fields = "\n".join(f"{plural(kind)}(first: 1) {{ nodes {{ id }} }}" for kind in ENTITIES)
    answer = await ask(role, f"{{ {fields} }}")
    granted = {plural(kind) for kind in ENTITIES if grants_of(role).reads_kind(kind)}
    assert {name for name, page in answer.body["data"].items() if page is not None} == granted
    assert set(answer.codes) <= {"NOT_GRANTED"}
    assert len(answer.codes) == len(ENTITIES) - len(granted)


async def test_pages_join_to_the_whole_list(ask: Ask) -> None:
    query = """query ($after: String) {
      items(first: 25, after: $after) {
        edges { cursor node { code } } pageInfo { hasNextPage endCursor } } }"""
    codes: list[str] = []
    after = None
    for _ in range(3):
        page = (await ask("planner", query, {"after": after})).data["items"]
        codes += [edge["node"]["code"] for edge in page["edges"]]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        after = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert codes == sorted(row["item"] for row in rows("item"))


async def test_a_page_past_the_end_is_empty(ask: Ask) -> None:
    query = """query ($after: String) { sites(after: $after) {
      nodes { code } pageInfo { hasNextPage endCursor } } }"""
    end = (await ask("planner", query)).data["sites"]["pageInfo"]["endCursor"]
    page = (await ask("planner", query, {"after": end})).data["sites"]
    assert page == {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


@pytest.mark.parametrize("first", [0, -1, 1001])
async def test_a_page_length_out_of_bounds_is_refused(ask: Ask, first: int) -> None:
    answer = await ask("planner", f"{{ items(first: {first}) {{ nodes {{ code }} }} }}")
    assert answer.codes == ["LIMIT_EXCEEDED"]


async def test_a_cursor_of_another_list_is_refused(ask: Ask) -> None:
    sites = await ask("planner", "{ sites(first: 1) { pageInfo { endCursor } } }")
    cursor = sites.data["sites"]["pageInfo"]["endCursor"]
    answer = await ask("planner", "query ($a: String) { items(after: $a) { nodes { code } } }", {"a": cursor})
    assert answer.codes == ["BAD_ID"]


async def test_lists_are_narrowed_by_what_their_rows_name(ask: Ask) -> None:
    query = """{ bom(parent: ["G120"]) { nodes { parentCode componentCode } }
      items(code: ["G120", "NO"]) { nodes { code } } }"""
    data = (await ask("planner", query)).data
    wanted = sorted(row["component"] for row in rows("bom") if row["parent"] == "G120")
    assert sorted(node["componentCode"] for node in data["bom"]["nodes"]) == wanted
    assert data["items"]["nodes"] == [{"code": "G120"}]


async def test_references_are_followed_through_fragments_and_aliases(ask: Ask) -> None:
    query = """
      query { lines: bom(parent: ["G120"]) {
        edges { node { ...line made: parent { base: unit { code } } } } } }
      fragment line on BomLine { componentCode component { code ... on Item { family { parent { code } } } } }
    """
    edges = (await ask("planner", query)).data["lines"]["edges"]
    assert edges
    items = {row["item"]: row for row in rows("item")}
    for edge in edges:
        node = edge["node"]
        assert node["component"]["code"] == node["componentCode"]
        assert node["made"] == {"base": {"code": items["G120"]["unit"]}}


async def test_a_reference_that_the_role_may_not_read_is_null_beside_its_code(ask: Ask) -> None:
    """Sales reads supplier codes, but no party that is not a customer of its regions alone."""
    query = "{ suppliers { nodes { code partyCode party { name } } } customers { nodes { party { name } } } }"
    data = (await ask("sales", query)).data
    assert len(data["suppliers"]["nodes"]) == len(rows("supplier"))
    own = [node for node in data["suppliers"]["nodes"] if node["party"] is not None]
    assert {node["code"] for node in own} <= {"V-TRAMONT"}
    assert all(node["partyCode"] for node in data["suppliers"]["nodes"])
    assert all(node["party"] for node in data["customers"]["nodes"])
