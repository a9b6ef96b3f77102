"""docs/errors.md and app/errors.py say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import errors
from app.errors import ConcordError, NotFound

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### ([A-Z_]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
CLASSES = ConcordError.by_code


def test_every_code_has_its_heading_and_no_heading_is_stale() -> None:
    assert set(SECTIONS) == set(CLASSES)
    assert PAGE.count("\n### ") == len(SECTIONS), "a heading is there twice"


@pytest.mark.parametrize("code", sorted(CLASSES))
def test_each_section_quotes_the_message_and_says_what_to_do(code: str) -> None:
    quoted, _, words = SECTIONS.get(code, "").strip().partition("\n\n")
    message = " ".join((CLASSES[code].__doc__ or "").split())
    assert " ".join(quoted.replace("\n>", "").split()) == f"> {message}"
    assert len(words.split()) >= 8


@pytest.mark.parametrize("code", sorted(CLASSES))
def test_the_tree_at_the_head_of_the_module_names_each_class_below_its_family(code: str) -> None:
    lines = (errors.__doc__ or "").splitlines()
    cls = CLASSES[code]
    own = [number for number, line in enumerate(lines) if re.search(rf"── {cls.__name__} ", line)]
    assert len(own) == 1, f"{cls.__name__} belongs into the tree once"
    parent = cls.__mro__[1].__name__
    above = [line for line in lines[: own[0]] if re.search(rf"(^|── ){parent}( |$)", line)]
    assert above, f"{cls.__name__} stands above its family {parent}"
    assert _indent(above[-1]) < _indent(lines[own[0]])


def _indent(line: str) -> int:
    return len(re.match(r"[│├└─ ]*", line).group())  # type: ignore[union-attr]  # matches the empty text as well


def test_codes_are_stable_names() -> None:
    for code, cls in CLASSES.items():
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", code)
        assert cls.code == code


def test_two_classes_cannot_have_one_code() -> None:
    with pytest.raises(TypeError, match="NOT_FOUND"):

        class SecondError(ConcordError, code="NOT_FOUND"):
            """Takes a code that is taken."""


def test_the_message_is_the_docstring_with_the_details_in_it() -> None:
    error = NotFound(kind="item", name="{X}")
    assert error.message == str(error) == "There is no item {X} here."
    assert error.details == {"kind": "item", "name": "{X}"}
    assert NotFound(kind="item").message == "There is no item (name not named) here."
    assert NotFound("Gone.", kind="item").message == "Gone."


def test_a_text_of_the_sender_comes_back_shortened() -> None:
    error = NotFound(kind="item", name="x" * 100_000)
    assert len(error.message) < 2_100
    assert len(str(error.details["name"])) == 2_000
