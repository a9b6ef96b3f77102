"""docs/settings.md and app/config.py say the same."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from app.config import Settings, default_home, load_settings
from app.errors import ConfigurationError

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
NAMES = {f"CONCORD_{name.upper()}": field for name, field in Settings.model_fields.items()}


def test_every_setting_has_its_heading_and_no_heading_is_stale() -> None:
    assert set(SECTIONS) == set(NAMES)
    assert PAGE.count("\n### ") == len(SECTIONS), "a heading is there twice"


@pytest.mark.parametrize("name", NAMES)
def test_each_section_says_something_and_states_the_default(name: str) -> None:
    words, default = SECTIONS[name].rsplit("Default: ", 1)
    assert len(words.split()) >= 8
    value = NAMES[name].default
    if value is None:
        assert default.startswith("none.")
    elif value is PydanticUndefined:
        assert NAMES[name].default_factory is default_home
        assert ".local/share/concord" in default
    else:
        assert default.strip() == f"`{value}`."


def test_variables_that_the_page_names_exist() -> None:
    assert set(re.findall(r"CONCORD_[A-Z_]+", PAGE)) <= set(NAMES)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("CONCORD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("CONCORD_PORT", "9000")
    monkeypatch.setenv("CONCORD_HOST", "")
    settings = load_settings()
    assert (settings.port, settings.host) == (9000, "127.0.0.1")
    if os.name == "posix" and os.uname().sysname == "Linux":
        assert settings.home == tmp_path / "concord"
    assert settings.keys_directory == settings.home / "keys"


def test_a_wrong_value_is_named_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCORD_PORT", "hunter2")
    monkeypatch.setenv("CONCORD_MAX_DEPTH", "1")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "CONCORD_PORT: " in caught.value.message
    assert "CONCORD_MAX_DEPTH: " in caught.value.message
    assert "hunter2" not in caught.value.message
    assert "\n" not in caught.value.message


def test_the_database_address_is_never_shown() -> None:
    settings = Settings.model_validate({"database_url": "postgresql://u:hunter2@h/d"})
    assert "hunter2" not in f"{settings!r} {settings}"


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1
