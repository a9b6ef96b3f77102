"""`serve` says in one line why it cannot serve, before anything is started for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken_is_named_before_any_work(concord: Run, home: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = concord(command, "--port", str(port))
    assert refused.exit_code == 1
    assert f"port {port} (Address already in use)" in refused.stderr
    assert not (home / "postgres").exists()


def test_an_address_that_is_none_is_named(concord: Run) -> None:
    refused = concord("serve", "--host", "no.such.host.invalid", "--port", "8000")
    assert refused.exit_code == 1
    assert "nothing can listen on no.such.host.invalid, port 8000" in refused.stderr


def test_a_database_that_was_not_migrated_is_named_in_one_line(concord: Run) -> None:
    refused = concord("serve", "--port", "0")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("concord: DATABASE_NOT_MIGRATED")
    assert refused.stderr.count("\n") == 1
