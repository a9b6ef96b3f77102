"""docs/access.md is the matrix that the policies give."""

from __future__ import annotations

from pathlib import Path

from app.access.matrix import render

PAGE = Path(__file__).parents[2] / "docs" / "access.md"


def test_the_page_is_what_the_policies_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render() + "\n", "python -m app access > docs/access.md"
