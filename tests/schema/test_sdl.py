"""The printed SDL of each graph is what the code says, and the tool that checks it tells when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_schema

from app.auth import AUDIENCES
from schema import sdl


@pytest.mark.parametrize("audience", AUDIENCES)
def test_the_filed_sdl_is_the_codes(audience: str) -> None:
    assert sdl.drift(audience) == "", f"run: python -m schema.sdl --write {audience}"


@pytest.mark.parametrize("audience", AUDIENCES)
def test_the_printed_sdl_is_graphql(audience: str) -> None:
    assert build_schema(sdl.printed(audience)).query_type is not None


def test_check_shows_what_has_drifted_and_write_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sdl, "sdl_path", lambda audience: tmp_path / f"{audience}.graphql")
    assert sdl.main(["--write", "internal"]) == 0
    assert sdl.main(["--check", "internal"]) == 0
    filed = tmp_path / "internal.graphql"
    filed.write_text(
        filed.read_text(encoding="utf-8").replace("viewer: Viewer!", "viewer: Viewer"), encoding="utf-8"
    )
    assert sdl.main(["--check", "internal"]) == 1
    assert "+  viewer: Viewer!" in capsys.readouterr().out
