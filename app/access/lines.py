"""Where an entry of `policies/` stands: file and line, for who asks why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from app.access.policies import DIRECTORY

Path_ = tuple[str, ...]


@cache
def lines(name: str, directory: Path = DIRECTORY) -> Mapping[Path_, int]:
    """Return the line number of every table header and key of a policy file, by its full path of names."""
    found: dict[Path_, int] = {}
    header: Path_ = ()
    for number, text in enumerate((directory / f"{name}.toml").read_text("utf-8").splitlines(), start=1):
        stripped = text.strip()
        if stripped.startswith("["):
            header = _path(stripped.split("#")[0]) or header
            for path in _prefixes((), header):
                found.setdefault(path, number)
        elif "=" in stripped and not stripped.startswith("#"):
            for path in _prefixes(header, _path(f"{stripped.partition('=')[0]} = 0")):
                found.setdefault(path, number)
    return found


def _prefixes(header: Path_, key: Path_) -> Iterator[Path_]:
    yield from (header + key[:length] for length in range(1, len(key) + 1))


def _path(text: str) -> Path_:
    """Return the names of a header or key; none where the text is the inside of a longer value."""
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(value, dict) and value:
        ((name, value),) = value.items()
        names.append(name)
    return tuple(names)


def place(name: str, *path: str) -> str:
    """Return `policies/FILE:LINE` of an entry, of the one around it where it is part of a longer line."""
    known = lines(name)
    for length in range(len(path), 0, -1):
        if path[:length] in known:
            return f"policies/{name}.toml:{known[path[:length]]}"
    return f"policies/{name}.toml"
