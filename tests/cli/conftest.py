"""The command line as a user runs it: arguments, exit status, two streams, an empty home."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli import application

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """An empty CONCORD_HOME that the tests of one module share; nothing runs in it afterwards."""
    place = Path(tempfile.mkdtemp(prefix="concord-cli-"))
    place.chmod(0o711)  # as root the server runs as another user, which has to pass
    directory = place / "home"
    yield directory
    running = list(directory.rglob("postmaster.pid"))
    shutil.rmtree(place)
    assert not running, "a database was left running"


@pytest.fixture
def concord(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in that home; returns its result with `exit_code`, `stdout` and `stderr`."""
    monkeypatch.setenv("CONCORD_HOME", str(home))
    monkeypatch.delenv("CONCORD_DATABASE_URL", raising=False)
    return lambda *arguments, input=None: CliRunner().invoke(application, list(arguments), input=input)
