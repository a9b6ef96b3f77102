"""`make demo` as a newcomer meets it: once, twice, served, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from app.cli.demo import seats

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow

START_SECONDS = 120


@pytest.fixture(scope="module")
def concord(home: Path) -> Run:
    """Run `python -m app …` as a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env={**os.environ, "CONCORD_HOME": str(home), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def planned(concord: Run) -> dict[str, object]:
    """What the first `demo --no-serve` says in JSON."""
    done = concord("demo", "--no-serve", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]  # an object of the command's own


def test_the_plan_is_proven_and_checked(planned: dict[str, object]) -> None:
    assert planned["summary"]["status"] == "optimal"  # type: ignore[index]  # JSON
    assert sum(planned["checked"].values()) > 10_000  # type: ignore[attr-defined]  # JSON


def test_a_second_demo_finds_the_same_plan(concord: Run, planned: dict[str, object]) -> None:
    again = concord("demo", "--no-serve", "--json")
    assert json.loads(again.stdout)["commit"] == planned["commit"]
    assert json.loads(again.stdout)["summary"]["totals"] == planned["summary"]["totals"]  # type: ignore[index]
    assert json.loads(again.stdout)["users"] == planned["users"] == [seat.user for seat in seats()]
    assert json.loads(again.stdout)["password"] != planned["password"], "a new one with each start"


def test_the_summary_is_for_people(concord: Run, planned: dict[str, object]) -> None:
    told = concord("demo", "--no-serve").stdout
    assert "What each department gave up" in told
    assert "Where the bottlenecks are" in told


def test_check_plan_confirms_what_was_published(
    concord: Run, planned: dict[str, object], tmp_path: Path
) -> None:
    assert concord("check-plan").returncode == 0
    exported = tmp_path / "plan"
    assert concord("export", str(exported), "--commit", str(planned["commit"])).returncode == 0
    assert concord("check-plan", str(exported)).returncode == 0


def test_a_plan_that_was_tampered_with_is_refused(
    concord: Run, planned: dict[str, object], tmp_path: Path
) -> None:
    exported = tmp_path / "plan"
    assert concord("export", str(exported), "--commit", str(planned["commit"])).returncode == 0
    balance = exported / "series" / "projectedBalance.csv"
    lines = balance.read_text(encoding="utf-8").splitlines()
    head, _, value = lines[-1].rpartition(",")
    lines[-1] = f"{head},{float(value) + 100}"
    balance.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = concord("check-plan", str(exported))
    assert done.returncode == 1
    assert "PLAN_REFUTED" in done.stderr


def test_the_demo_serves_every_seat_and_leaves_nothing_running(
    home: Path, planned: dict[str, object]
) -> None:
    tokens = planned["tokens"]
    with served(home) as url:
        for seat in seats():
            answer = ask(url, tokens[seat.who], seat.query)  # type: ignore[index]  # JSON
            assert "errors" not in answer, (seat.who, answer)
        with pytest.raises(HTTPError, match="401"):
            ask(url, "no-token", "{ __typename }")
    assert not list(home.rglob("postmaster.pid"))


def ask(url: str, token: str, query: str) -> dict[str, object]:
    """Post a query as a client would."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = Request(url, json.dumps({"query": query}).encode(), headers)  # noqa: S310  # loopback
    with urlopen(request, timeout=60) as response:  # noqa: S310  # loopback
        return json.load(response)  # type: ignore[no-any-return]  # a GraphQL answer


@contextlib.contextmanager
def served(home: Path) -> Iterator[str]:
    """Serve the demonstration on a free port; end it as Ctrl-C does, and wait until it is gone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "demo", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "CONCORD_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(port, server)
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) in (0, 130, -signal.SIGINT)


def wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until /readyz answers; fails when the server ends first."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        with (
            contextlib.suppress(URLError, ConnectionError),
            urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5),
        ):
            return
        time.sleep(0.2)
    pytest.fail("the server did not get ready")
