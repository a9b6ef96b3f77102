"""A small dataset that reads without a finding, and a way to read it with some of its files changed."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.exchange import DatasetResult, FindingLog, read_dataset

GOOD_DIRECTORY = Path(__file__).parent / "good"
GOOD: Mapping[str, str] = {
    path.relative_to(GOOD_DIRECTORY).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(GOOD_DIRECTORY.rglob("*.csv"))
}

Reader = Callable[..., DatasetResult]


def write_files(directory: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files below the directory; names ending in .gz are compressed."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") and isinstance(content, str) else data)


@pytest.fixture(scope="session")
def good_directory() -> Path:
    return GOOD_DIRECTORY


@pytest.fixture(scope="session")
def good() -> dict[str, str]:
    return dict(GOOD)


@pytest.fixture
def read_changed(tmp_path: Path) -> Reader:
    """Read the good dataset with some files replaced (None = taken away)."""
    number = itertools.count()

    def read(changes: Mapping[str, str | bytes | None], log: FindingLog | None = None) -> DatasetResult:
        files = {name: text for name, text in {**GOOD, **changes}.items() if text is not None}
        directory = tmp_path / f"data{next(number) or ''}"
        write_files(directory, files)
        return read_dataset(directory, log=log)

    return read
