"""What is done from the command line is on record, and the log is read, exported and checked there."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from pydantic import SecretStr

from app.cli import COMMANDS
from app.config import Settings

Run = Callable[..., Result]

COMPANY = {
    "planning_parameter.csv": "parameter,value\nplan_date,2026-01-05\nhistory_from,2025-12-01\n"
    "weeks,2\nmonths,0\ncurrency,EUR\n",
    "unit.csv": "unit,name\nEA,Each\n",
    "item.csv": "item,name,type,unit\nA,One,finished,EA\n",
    "site.csv": "site,name,kind\nP,Plant,plant\n",
}
ACTS = {
    "migrate": ([["migrate"]], ["migrate"]),
    "import": ([["import", "COMPANY"]], ["import"]),
    "reconcile": ([["reconcile", "--rule", "weighted"]], ["planReconcile", "reconcile"]),
    "scenarios": ([["scenarios", "main", "--rule", "weighted"]], ["planReconcile"]),
    "publish": ([["publish", "--rule", "weighted", "--name", "v"]], ["planPublish"]),
    "export": ([["export", "OUT"]], ["export"]),
    "backup": ([["backup", "BACKUP"]], ["backup"]),
    "retain": ([["retain", "--keep-days", "1"]], ["retain"]),
    "client": (
        [["client", "add", "erp", "--role", "planner"], ["client", "revoke", "erp"]],
        ["client.add", "client.revoke"],
    ),
    "key": ([["key", "rotate"]], ["key.rotate"]),
    "token": ([["token", "--audience", "internal"]], ["token.issue"]),
    "audit": (
        [["audit", "--export", "LOG"], ["audit", "erase", "client:nobody"]],
        ["audit.export"],
    ),
}
"""Each writing command with calls of it, and the events that they leave."""
ELSEWHERE = {"restore", "user", "party"}
"""Need an empty database, a password on standard input, a party; looked for in tests of their own."""
READING = {"check-plan", "explain", "frontier", "attribute", "verify", "solve", "access"}
NOTHING_TO_RECORD = READING | {"serve", "worker", "demo"}
"""Commands that write nothing themselves: what runs in them has events of its own."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of four short files."""
    directory = tmp_path_factory.mktemp("company")
    for name, text in COMPANY.items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory


@pytest.fixture
def run(concord: Run, module_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the module's database."""
    url = module_settings.database_url
    assert isinstance(url, SecretStr)
    monkeypatch.setenv("CONCORD_DATABASE_URL", url.get_secret_value())
    return concord


def acts(run: Run) -> list[dict[str, object]]:
    """Return all events, oldest first."""
    told = run("audit", "--limit", "1000", "--json")
    assert told.exit_code == 0, told.stderr
    events: list[dict[str, object]] = json.loads(told.stdout)["events"]
    return events


def test_every_command_is_tried_or_known_to_write_nothing() -> None:
    assert set(ACTS) | ELSEWHERE | NOTHING_TO_RECORD == set(COMMANDS)


def test_every_writing_command_is_on_record(run: Run, company: Path, tmp_path: Path) -> None:
    places = {
        "COMPANY": str(company),
        "OUT": str(tmp_path / "out"),
        "BACKUP": str(tmp_path / "all"),
        "LOG": str(tmp_path / "log.jsonl"),
    }
    for calls, expected in ACTS.values():
        before = len(acts(run))
        for call in calls:
            done = run(*(places.get(word, word) for word in call))
            assert done.exit_code == (1 if "client:nobody" in call else 0), (call, done.stderr)
        found = acts(run)[before:] if "migrate" not in expected else acts(run)
        assert set(expected) <= {event["act"] for event in found}
        for event in found:
            assert event["act"] != "unnamed", call
            assert event["position"] is not None, "sealed when the command ends"
            if event["act"] in expected and event["act"] not in ("migrate", "reconcile"):
                assert event["origin"] == "command line"
                assert event["subject"] == getpass.getuser()


def test_the_log_is_exported_checked_and_held_against_a_head(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    assert run("audit", "--export", str(file)).exit_code == 0
    head = run("audit", "--head").stdout.strip()
    checked = run("audit", "--check", str(file))
    assert (checked.exit_code, checked.stdout.split(":")[0]) == (0, "holds")
    assert run("verify", "--audit-head", head).exit_code == 0
    later = tmp_path / "later.jsonl"
    assert run("audit", "--export", str(later)).exit_code == 0
    assert run("audit", "--check", str(later), "--expect", head).exit_code == 0
    assert run("audit", "--check", str(file), "--expect", head).exit_code == 1, "it is older than the head"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"migrate"', '"mitigate"'), encoding="utf-8")
    broken = run("audit", "--check", str(file))
    assert broken.exit_code == 1
    assert "BROKEN seal 1" in broken.stdout or "BROKEN seal 2" in broken.stdout


def test_the_log_is_filtered_and_told_for_people(run: Run) -> None:
    told = run("audit", "--act", "migrate", "--limit", "1")
    assert "migrate" in told.stdout
    assert told.exit_code == 0
    assert run("audit", "--kind", "rumour").exit_code == 1
    assert run("audit", "nobody-by-this-name").exit_code != 0
    assert "No such event." in run("audit", "show", "nobody-by-this-name").stdout


def test_a_name_is_erased(run: Run) -> None:
    pseudonym = json.loads(run("audit", "erase", getpass.getuser(), "--json").stdout)["pseudonym"]
    found = acts(run)
    assert {event["subject"] for event in found if event["actor"] == pseudonym} == {None}
    erasure = found[-1]
    assert (erasure["kind"], erasure["act"], erasure["target"]) == ("erasure", "audit.erase", pseudonym)
    assert run("verify").exit_code == 0
