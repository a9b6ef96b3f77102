"""The wheel carries all it needs: it plans and issues tokens from outside the checkout."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("app", "schema", "migrations", "policies", "alembic.ini", "pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.slow


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources and unpack it into a folder of its own."""
    place = tmp_path_factory.mktemp("wheel")
    copy = place / "source"
    copy.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place / "dist"), "."]
    run(*build, cwd=copy)
    (wheel,) = (place / "dist").glob("*.whl")
    target = place / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    run(*pip, "--target", str(target), str(wheel), cwd=place)
    return target


@pytest.fixture
def outside(installed: Path) -> Iterator[dict[str, str]]:
    """An environment in which only the installed wheel is Concord, with an empty home."""
    home = Path(tempfile.mkdtemp(prefix="concord-wheel-"))
    home.chmod(0o711)  # as root the server runs as another user, which has to pass
    yield {**os.environ, "PYTHONPATH": str(installed), "CONCORD_HOME": str(home / "home")}
    shutil.rmtree(home)


def test_the_packages_come_from_the_wheel(installed: Path, outside: dict[str, str], tmp_path: Path) -> None:
    code = "import app, schema; print(app.__file__, schema.__file__)"
    places = run(sys.executable, "-P", "-c", code, cwd=tmp_path, env=outside)
    assert all(Path(place).is_relative_to(installed) for place in places.split())


def test_the_wheel_plans_and_serves(outside: dict[str, str], tmp_path: Path) -> None:
    told = run(sys.executable, "-P", "-m", "app", "demo", "--no-serve", cwd=tmp_path, env=outside)
    assert "proven optimal" in told
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-P", "-m", "app", "serve", "--port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, env=outside, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(port, server)
        page = fetch(port, "/graphql", accept="text/html")
        assert "graphiql.js" in page
        assert len(fetch(port, "/graphql/static/graphiql.js")) > 100_000
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def fetch(port: int, path: str, accept: str = "*/*") -> str:
    """Get a page as a browser does."""
    request = Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    with urlopen(request, timeout=10) as response:  # noqa: S310  # loopback
        return str(response.read().decode())


def wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until /readyz answers; fails when the server ends first."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(URLError, ConnectionError):
            fetch(port, "/readyz")
            return
        time.sleep(0.2)
    pytest.fail("the server did not get ready")
