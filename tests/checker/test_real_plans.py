"""Plans that the planner makes hold for the checker, which shares no code with it."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from pathlib import Path

import pytest

from app.checker import Report, check_plan
from app.exchange import read_dataset, write_dataset
from app.services.planning.run import make_plan
from app.services.planning.totals import plan_totals

COMPANY = Path(str(files("app"))) / "demo" / "company"
MAPPINGS = Path(str(files("app"))) / "exchange" / "mappings"


def planned_and_checked(source: Path, target: Path, mapping: Path | None = None) -> Report:
    """Plan a data set, write it as an export does, and check the files."""
    dataset = read_dataset(source, mapping).dataset
    assert dataset is not None
    plan = make_plan(dataset, "leximin")
    made = {block.measure for block in plan.series}
    kept = [block for block in dataset.series if block.measure not in made]
    exported = dataclasses.replace(dataset, series=[*kept, *plan.series])
    write_dataset(exported, target)
    (target / "plan.json").write_text(json.dumps({"totals": plan_totals(exported)}))
    return check_plan(target)


@pytest.mark.slow
def test_the_demonstration_company(tmp_path: Path) -> None:
    report = planned_and_checked(COMPANY, tmp_path / "plan")
    assert report.ok, report.text()
    assert min(report.checked[rule] for rule in ("stock balance", "hours by routing", "transfer lot")) > 100


@pytest.mark.slow
def test_adventureworks(tmp_path: Path, shared_directory: Path) -> None:
    source = shared_directory / "data" / "adventureworks"
    report = planned_and_checked(source, tmp_path / "plan", MAPPINGS / "adventureworks_plan.toml")
    assert report.ok, report.text()
    assert report.checked["stock balance"] > 1000
