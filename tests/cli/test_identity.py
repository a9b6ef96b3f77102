"""`client` and `key` as an operator runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from app.auth import TokenValidator
from app.config import Settings

Run = Callable[..., Result]


def test_a_client_is_added_listed_and_revoked(concord: Run) -> None:
    assert concord("migrate").exit_code == 0
    made = concord("client", "add", "erp", "--role", "planner", "--json")
    assert made.exit_code == 0, made.stderr
    data = json.loads(made.stdout)
    assert data["token_endpoint"] == "http://127.0.0.1:8000/oauth/token"
    assert len(data["client_secret"]) >= 43
    listed = json.loads(concord("client", "list", "--json").stdout)["clients"]
    assert [(one["client_id"], one["method"], one["revoked_at"]) for one in listed] == [
        ("erp", "client_secret", None)
    ]
    assert data["client_secret"] not in concord("client", "list").stdout
    assert concord("client", "revoke", "erp").exit_code == 0
    assert "revoked 20" in concord("client", "list").stdout


def test_what_is_wrong_is_one_line(concord: Run) -> None:
    assert concord("migrate").exit_code == 0
    for arguments, said in (
        (["add"], "which client?"),
        (["add", "x"], "--role"),
        (["add", "x", "--role", "nobody"], "no role 'nobody'"),
        (["add", "x", "--role", "planner", "--public-key", "nowhere.pem"], "No such file"),
        (["revoke", "nobody"], "NOT_FOUND"),
    ):
        done = concord("client", *arguments)
        assert done.exit_code == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_keys_are_rotated_and_tokens_stay_good(concord: Run, home: Path) -> None:
    (token,) = concord("token", "--audience", "internal").stdout.split()
    first = json.loads(concord("key", "list", "--json").stdout)["keys"]
    rotated = json.loads(concord("key", "rotate", "--overlap", "600", "--json").stdout)["keys"]
    assert [key["signs"] for key in rotated] == [True, False]
    assert rotated[1]["kid"] == first[0]["kid"]
    assert rotated[1]["verify_until"].startswith("20")
    assert "verifies until 20" in concord("key", "list").stdout
    assert TokenValidator(Settings(home=home)).validate(token).role == "planner"
