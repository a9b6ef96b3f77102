"""Local signing keys are rotated under running validators; replaced ones verify until their overlap ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.auth import TokenValidator, issue_token, load_signing_keys, rotate_signing_keys
from app.auth.keys import keys_path
from app.auth.local_keys import LocalKeys
from app.config import Settings
from app.errors import ConfigurationError, InputError, Unauthenticated

NOW = 2_000_000_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_running_validator_follows_and_old_tokens_stay_good(settings: Settings) -> None:
    validator = TokenValidator(settings)
    before = issue_token(settings, "internal", "planner")
    first = load_signing_keys(settings).kid
    second = rotate_signing_keys(settings, 60).kid
    after = issue_token(settings, "internal", "planner")
    assert first != second
    assert [validator.validate(token).role for token in (before, after)] == ["planner", "planner"]
    assert load_signing_keys(settings).verify_until.keys() == {first}


def test_a_replaced_key_ends_with_its_overlap(settings: Settings) -> None:
    first = load_signing_keys(settings).kid
    second = rotate_signing_keys(settings, 100, now=NOW).kid
    at = [NOW]
    keys = LocalKeys(settings, now=lambda: at[0])
    assert keys.known(first)
    assert keys.known(second)
    at[0] = NOW + 99
    assert keys.known(first)
    at[0] = NOW + 100
    assert keys.known(first) is None
    assert keys.known(second)
    third = rotate_signing_keys(settings, 100, now=NOW + 100).kid
    assert list(load_signing_keys(settings).public) == [third, second]


def test_an_overlap_is_not_made_longer_by_the_next_rotation(settings: Settings) -> None:
    first = load_signing_keys(settings).kid
    rotate_signing_keys(settings, 100, now=NOW)
    rotate_signing_keys(settings, 100, now=NOW + 50)
    assert load_signing_keys(settings).verify_until[first] == NOW + 100


def test_without_overlap_all_tokens_end_at_once(settings: Settings) -> None:
    validator = TokenValidator(settings)
    token = issue_token(settings, "internal", "planner")
    rotate_signing_keys(settings, 0)
    with pytest.raises(Unauthenticated):
        validator.validate(token)


def test_a_set_that_breaks_while_serving_leaves_the_last_one_in_force(settings: Settings) -> None:
    validator = TokenValidator(settings)
    token = issue_token(settings, "internal", "planner")
    keys_path(settings).write_text("{}")
    assert validator.validate(token).role == "planner"
    with pytest.raises(ConfigurationError):
        rotate_signing_keys(settings, 60)
    assert keys_path(settings).read_text() == "{}", "a broken set is left for a person to look at"


@pytest.mark.parametrize(
    "content", ['{"keys": []}', '{"keys": [{"verify_until": "x"}]}', '{"keys": [1]}', "[]"]
)
def test_a_broken_set_is_refused_at_the_start(content: str, settings: Settings) -> None:
    load_signing_keys(settings)
    keys_path(settings).write_text(content)
    with pytest.raises(ConfigurationError):
        TokenValidator(settings)


def test_the_file_stays_private_and_leaves_no_draft(settings: Settings) -> None:
    load_signing_keys(settings)
    rotate_signing_keys(settings, 60)
    path = keys_path(settings)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["signing.json"]
    assert len(json.loads(path.read_text())["keys"]) == 2


def test_an_overlap_is_no_negative_time(settings: Settings) -> None:
    with pytest.raises(InputError):
        rotate_signing_keys(settings, -1)
