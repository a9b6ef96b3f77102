"""Commands without a plan: help, tokens, imports that are refused, settings that are wrong."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest
from click.testing import Result

from app.auth import TokenValidator
from app.cli import COMMANDS
from app.config import Settings
from app.demo import COMPANY

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    documented = COMMANDS[command].__doc__ or ""
    assert "Example: python -m app " + command in documented


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_speaks_json(command: str) -> None:
    assert "json" in signature(COMMANDS[command]).parameters


def test_the_matrix_comes_as_json_too(concord: Run) -> None:
    told = json.loads(concord("access", "--json").stdout)
    assert told["measures"]["contributionMargin"] == {"finance": "all", "executive": "all"}
    assert "planner" in told["actions"]["planPublish"]


def test_the_readme_lists_every_command_and_no_other() -> None:
    section = (
        (ROOT / "README.md").read_text(encoding="utf-8").split("## The command line")[1].split("\n## ")[0]
    )
    listed = re.findall(r"^\| `([a-z-]+)[^`]*` \|", section, flags=re.MULTILINE)
    assert listed == list(COMMANDS)


def test_a_token_is_printed_alone_and_is_valid(concord: Run, home: Path) -> None:
    done = concord("token", "--audience", "supplier", "--party", "VALTEC", "--ttl", "60")
    assert done.exit_code == 0, done.stderr
    (token,) = done.stdout.split()
    principal = TokenValidator(Settings(home=home)).validate(token)
    assert (principal.audience, principal.party, principal.role) == ("supplier", "VALTEC", "supplier_planner")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["token", "--audience", "martian"],
            "INPUT_INVALID: The input cannot be used: audience is 'martian'",
        ),
        (["token", "--audience", "supplier"], "needs a party"),
        (
            ["export", "out", "--branch", "main", "--commit", "1"],
            "by one of --branch, --version and --commit",
        ),
        (["import", "nowhere"], "IMPORT_REFUSED"),
        (["import", "nowhere", "--parameter", "weeks"], "name=value"),
        (["check-plan", "nowhere"], "INPUT_INVALID"),
        (["explain", "backlog", "bike", "2026-01-05"], "INPUT_INVALID"),
        (["explain", "backlog", "item=X", "2026-01-05", "--pegs", "sideways"], "INPUT_INVALID"),
    ],
)
def test_a_failure_is_one_line_and_a_status(concord: Run, arguments: list[str], said: str) -> None:
    done = concord(*arguments)
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("concord: ")]
    assert said in line
    assert "Traceback" not in done.stderr


def test_json_tells_a_failure_too(concord: Run) -> None:
    done = concord("token", "--audience", "martian", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "INPUT_INVALID"


def test_every_bad_row_is_told_and_nothing_is_written(concord: Run, tmp_path: Path) -> None:
    company = tmp_path / "company"
    shutil.copytree(COMPANY, company)
    rows = (company / "bom.csv").read_text(encoding="utf-8")
    head, first, *_ = rows.splitlines()
    at = head.split(",").index
    unknown, negative = first.split(","), first.split(",")
    unknown[at("component")] = "NO-SUCH-ITEM"
    negative[at("quantity")] = "-3"
    (company / "bom.csv").write_text(
        rows + ",".join(unknown) + "\n" + ",".join(negative) + "\n", encoding="utf-8"
    )
    done = concord("import", str(company), "--json")
    assert done.exit_code == 1
    told = json.JSONDecoder().raw_decode(done.stdout)[0]
    lines = rows.count("\n")
    errors = {(one["file"], one["line"], one["column"], one["found"]) for one in told["findings"]}
    assert ("bom.csv", lines + 1, "component", "'NO-SUCH-ITEM'") in errors
    assert ("bom.csv", lines + 2, "quantity", "-3") in {
        (*one[:3], one[3].strip("'").removesuffix(".0")) for one in errors
    }
    assert told["commit"] is None


def test_importing_twice_writes_once(concord: Run) -> None:
    first, dry, second = (
        concord("import", str(COMPANY), *more, "--json") for more in ([], ["--dry-run"], [])
    )
    assert json.loads(first.stdout)["changed"] is True
    assert json.loads(dry.stdout)["commit"] is None
    assert json.loads(second.stdout)["changed"] is False
    assert json.loads(second.stdout)["commit"] == json.loads(first.stdout)["commit"]


def test_one_principal_is_told_what_it_sees_and_why_not(concord: Run) -> None:
    told = json.loads(
        concord("access", "--as", "supplier:V07", "--why", "contributionMargin", "--json").stdout
    )
    assert (told["role"], told["party"]) == ("supplier_planner", "V07")
    (verdict,) = told["verdicts"]
    assert not verdict["granted"]
    assert verdict["line"].startswith("policies/measures.toml:")
    text = concord("access", "--as", "internal", "--role", "auditor").stdout
    assert "audit.event" in text.split("Not granted")[0]
    assert "contributionMargin" in text.split("Not granted")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--as", "martian:V07"],
        ["--as", "supplier:V07", "--role", "planner"],
        ["--why", "revenue"],
        ["--as", "internal", "--why", "horoscope"],
    ],
)
def test_a_principal_that_cannot_be_is_refused(concord: Run, arguments: list[str]) -> None:
    assert concord("access", *arguments).exit_code == 1
