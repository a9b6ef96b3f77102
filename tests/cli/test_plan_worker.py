"""The plan worker beside a server: replaced when it dies, gone when the server ends."""

from __future__ import annotations

import sys
import time

import pytest

from app.cli import plan_worker
from app.cli.plan_worker import PlanWorker

UNTIL_HUNG_UP = (sys.executable, "-S", "-c", "import sys; sys.stdin.read()")


def successor_of(keeper: PlanWorker, pid: int) -> int:
    """Return the process that replaced `pid`; fails if none does in 20 seconds."""
    for _ in range(400):
        if keeper.process.pid != pid:
            return keeper.process.pid
        time.sleep(0.05)
    raise AssertionError("the worker was not replaced")


def test_a_worker_that_is_killed_is_replaced(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plan_worker, "FIRST_PAUSE", 0.05)
    with PlanWorker(UNTIL_HUNG_UP) as keeper:
        first = keeper.process
        first.kill()
        successor_of(keeper, first.pid)
        assert keeper.process.poll() is None
    assert keeper.process.poll() == 0
    assert "ended with status -9" in capfd.readouterr().err


def test_no_worker_is_started_once_the_server_ends() -> None:
    with PlanWorker(UNTIL_HUNG_UP) as keeper:
        keeper.process.kill()
        keeper.process.wait()
        time.sleep(0.1)  # it is in the pause before the next one
        killed = keeper.process
    assert keeper.process is killed


def test_a_worker_that_does_not_want_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_worker, "STOP_SECONDS", 0.2)
    with PlanWorker((sys.executable, "-S", "-c", "import time; time.sleep(60)")) as keeper:
        pass
    assert keeper.process.poll() == -9
