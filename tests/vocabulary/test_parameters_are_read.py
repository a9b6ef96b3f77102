"""Every planning parameter changes something: a rule that nothing reads is no rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.vocabulary import PARAMETERS

APP = Path(__file__).parents[2] / "app"
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(APP.rglob("*.py")))


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_parameter_is_read_somewhere(name: str) -> None:
    assert f'"{name}"' in CODE or f'"{name.partition(".")[0]}.' in CODE
