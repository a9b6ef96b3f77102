"""The wheel carries all it needs: it plans and issues tokens from outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

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


def test_the_wheel_plans_the_demonstration_company(outside: dict[str, str], tmp_path: Path) -> None:
    told = run(sys.executable, "-P", "-m", "app", "demo", "--no-serve", cwd=tmp_path, env=outside)
    assert "proven optimal" in told
