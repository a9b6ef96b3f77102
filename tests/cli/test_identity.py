"""`client`, `user` and `key` as an operator runs them."""

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


def test_an_application_is_added(concord: Run) -> None:
    assert concord("migrate").exit_code == 0
    address = "https://planning.example/callback"
    made = concord("client", "add", "portal", "--redirect-uri", address, "--json")
    assert made.exit_code == 0, made.stderr
    assert len(json.loads(made.stdout)["client_secret"]) >= 43
    made = concord("client", "add", "desk", "--redirect-uri", "http://127.0.0.1/done", "--native")
    assert "no secret" in made.stdout
    listed = concord("client", "list").stdout
    assert f"portal  client_secret  login  {address}" in listed
    for arguments, said in (
        (["add", "concord-web", "--redirect-uri", address], "not with concord"),
        (["add", "x", "--redirect-uri", address, "--role", "planner"], "has no role"),
        (["add", "x", "--redirect-uri", "http://planning.example/"], "must be https"),
        (["add", "x", "--redirect-uri", address, "--native", "--first-party"], "imitated"),
    ):
        done = concord("client", *arguments)
        assert done.exit_code == 1
        assert said in done.stderr


def test_a_person_is_added_and_disabled(concord: Run) -> None:
    assert concord("migrate").exit_code == 0
    password = "correct horse battery"
    made = concord("user", "add", "anna", "--role", "planner", input=f"{password}\n")
    assert made.exit_code == 0, made.stderr
    assert password not in made.stdout + made.stderr
    listed = json.loads(concord("user", "list", "--json").stdout)["users"]
    assert [(one["name"], one["role"], one["disabled_at"]) for one in listed] == [("anna", "planner", None)]
    assert not any("password_hash" in one for one in listed)
    assert concord("user", "disable", "anna").exit_code == 0
    assert "disabled 20" in concord("user", "list").stdout
    assert concord("user", "enable", "anna").exit_code == 0
    assert concord("user", "password", "anna", input="another good password\n").exit_code == 0


def test_what_is_wrong_with_a_person_is_one_line(concord: Run) -> None:
    assert concord("migrate").exit_code == 0
    good = ["--role", "planner"]
    for arguments, password, said in (
        (["add"], "", "which user?"),
        (["add", "anna"], "", "--role"),
        (["add", "Anna", *good], "correct horse battery", "lower-case"),
        (["add", "anna", "--role", "nobody"], "correct horse battery", "no role 'nobody'"),
        (["add", "anna", *good], "short", "12 to 256"),
        (["add", "anna", *good], "aaaaaaaaaaaaaaaa", "first that anybody"),
        (["password", "nobody"], "correct horse battery", "NOT_FOUND"),
        (["disable", "nobody"], "", "NOT_FOUND"),
    ):
        done = concord("user", *arguments, input=f"{password}\n")
        assert done.exit_code == 1, arguments
        assert said in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


PASSPHRASE = "nobody guesses this one\n"


def test_keys_are_backed_up_and_restored(concord: Run, home: Path, tmp_path: Path) -> None:
    (token,) = concord("token", "--audience", "internal").stdout.split()
    secret = home / "keys" / "ids.secret"
    secret.write_bytes(b"x" * 32)
    secret.chmod(0o600)
    file = tmp_path / "keys.backup"
    made = concord("key", "backup", str(file), "--json", input=PASSPHRASE)
    assert json.loads(made.stdout)["keys"] == ["ids.secret", "signing.json"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert "is not replaced" in concord("key", "backup", str(file), input=PASSPHRASE).stderr
    assert "already" in concord("key", "restore", str(file), input=PASSPHRASE).stderr
    (home / "keys").rename(tmp_path / "lost")
    for passphrase in ("another passphrase of length\n", "short\n", "\n"):
        assert concord("key", "restore", str(file), input=passphrase).exit_code == 1
        assert not (home / "keys" / "signing.json").exists()
    assert concord("key", "restore", str(file), input=PASSPHRASE).exit_code == 0
    assert TokenValidator(Settings(home=home)).validate(token).role == "planner"
    assert (home / "keys" / "ids.secret").read_bytes() == b"x" * 32
    assert (home / "keys" / "signing.json").stat().st_mode & 0o777 == 0o600


def test_what_is_no_backup_of_keys(concord: Run, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.backup"
    assert concord("key", "backup", str(file), input=PASSPHRASE).exit_code == 0
    (home / "keys").rename(tmp_path / "lost")
    whole = file.read_bytes()
    changed = whole[:-10] + (b"AAAA" if whole[-10:-6] != b"AAAA" else b"BBBB") + whole[-6:]
    for contents in (b"", b"x", b"a.b.c.d.e", b"\xff" * 100, whole[: len(whole) // 2], changed):
        file.write_bytes(contents)
        done = concord("key", "restore", str(file), input=PASSPHRASE)
        assert done.exit_code == 1
        assert "Traceback" not in done.stderr
        assert not (home / "keys" / "signing.json").exists()
    assert "No such file" in concord("key", "restore", str(tmp_path / "none"), input=PASSPHRASE).stderr
    assert "which file?" in concord("key", "backup", input=PASSPHRASE).stderr
