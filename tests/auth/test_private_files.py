"""Key files: private, whole, and one only, however many processes start at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from app.auth import TokenValidator, issue_token, load_signing_keys, private_file
from app.config import Settings
from app.errors import ConfigurationError

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are a matter of POSIX")


@posix
def test_directory_and_file_are_for_the_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        load_signing_keys(Settings(home=tmp_path / "home"))
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "home" / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / "keys" / "signing.json").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "home" / "keys").iterdir()] == ["signing.json"]


@posix
@pytest.mark.parametrize(("name", "mode"), [("keys", 0o750), ("keys/signing.json", 0o640)])
def test_what_others_can_read_is_refused(name: str, mode: int, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    load_signing_keys(settings)
    (tmp_path / name).chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod go-rwx"):
        load_signing_keys(settings)


@posix
def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"x")
    target.chmod(0o600)
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / "secret").symlink_to(target)
    with pytest.raises(ConfigurationError, match="is not a file"):
        private_file(tmp_path / "keys" / "secret", lambda: b"y")


def test_a_home_that_cannot_be_made_is_a_setting_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot create"):
        load_signing_keys(Settings(home=tmp_path / "file" / "home"))


@pytest.mark.parametrize(
    "contents", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA"}]}', "\x00"]
)
def test_a_spoilt_key_file_is_named(contents: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    load_signing_keys(settings)
    (tmp_path / "keys" / "signing.json").write_text(contents)
    with pytest.raises(ConfigurationError, match=r"signing\.json"):
        load_signing_keys(settings)


def test_public_keys_alone_cannot_sign(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    load_signing_keys(settings)
    path = tmp_path / "keys" / "signing.json"
    keys = json.loads(path.read_text())
    del keys["keys"][0]["d"]
    path.write_text(json.dumps(keys))
    with pytest.raises(ConfigurationError, match="private P-256"):
        load_signing_keys(settings)


def test_an_older_key_still_verifies(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    token = issue_token(settings, "internal", "sales")
    path = tmp_path / "keys" / "signing.json"
    older = json.loads(path.read_text())["keys"]
    path.unlink()
    load_signing_keys(settings)
    newer = json.loads(path.read_text())["keys"]
    path.write_text(json.dumps({"keys": newer + older}))
    validator = TokenValidator(settings)
    assert validator.validate(token).role == "sales"
    assert validator.validate(issue_token(settings, "internal", "finance")).role == "finance"
    assert load_signing_keys(settings).kid == newer[0]["kid"]


def _first(home: Path) -> str:
    return load_signing_keys(Settings(home=home)).kid


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        for attempt in range(5):
            homes = [tmp_path / str(attempt)] * 8
            assert len(set(pool.map(_first, homes, chunksize=1))) == 1
