"""The command line as a user runs it: arguments, exit status, two streams, an empty home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli import application

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty CONCORD_HOME that the tests of one module share; nothing runs in it afterwards."""
    directory = tmp_path_factory.mktemp("home") / "concord"
    yield directory
    assert not list(directory.rglob("postmaster.pid")), "a database was left running"


@pytest.fixture
def concord(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in that home; returns its result with `exit_code`, `stdout` and `stderr`."""
    monkeypatch.setenv("CONCORD_HOME", str(home))
    monkeypatch.delenv("CONCORD_DATABASE_URL", raising=False)
    return lambda *arguments: CliRunner().invoke(application, list(arguments))
