"""The README tells the truth: its queries fit the graphs, its links lead somewhere, its targets exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from app.main import SCHEMAS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```graphql\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_five_queries() -> None:
    assert len(QUERIES) == 5


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_fits_one_of_the_graphs(query: str) -> None:
    document = parse(query)
    assert any(validate(schema._schema, document) == [] for schema in SCHEMAS.values())


@pytest.mark.parametrize("page", sorted({*(ROOT / "docs").glob("**/*.md"), ROOT / "README.md"}))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
