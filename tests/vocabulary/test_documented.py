"""docs/model.md names every planning parameter with its default, and every rule that the code cites."""

import re
from pathlib import Path

import pytest

from app.vocabulary import PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
CITED = re.compile(r"\b([DP]\d+)\b")


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=lambda parameter: parameter.name)
def test_parameters_stand_in_the_documentation_with_their_default(parameter):
    (row,) = re.findall(rf"^\| `{re.escape(parameter.name)}` \|(.*)\|$", MODEL, re.MULTILINE)
    default, unit, doc = (cell.strip() for cell in row.split("|"))
    assert doc == parameter.doc
    assert unit == (parameter.unit or "")
    if parameter.required:
        assert default == "must be stated"
    elif isinstance(parameter.default, int | float):
        assert float(default) == parameter.default
    else:
        assert default == parameter.default


def test_every_rule_that_code_cites_is_written():
    written = set(re.findall(r"^- \*\*([DP]\d+)\.", MODEL, re.MULTILINE))
    for folder in ("demand", "planning"):
        for path in (ROOT / "app" / "services" / folder).glob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                if re.search(r"\brules?\b", line):
                    assert set(CITED.findall(line)) <= written, f"{path.name}: {line.strip()}"
    assert len(written) > 40
