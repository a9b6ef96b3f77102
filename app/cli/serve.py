"""`serve` and `worker`: the server of the three graphs, and the process that computes plans beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

import app
from app.cli.output import command, progress
from app.config import Settings, load_settings
from app.main import refuse_foreign_schema
from app.worker import run_worker

PACKAGE_ROOT = Path(app.__file__).parents[1]
STOP_SECONDS = 15.0


@command
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (CONCORD_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (CONCORD_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes (CONCORD_WORKERS).")] = None,
    plan_worker: Annotated[
        bool, typer.Option("--plan-worker/--no-plan-worker", help="Start one worker for plan runs.")
    ] = True,
) -> None:
    """Serve the graphs at /graphql, with one worker for plan runs.

    Example: python -m app serve --port 8000
    """
    settings = load_settings()
    run_server(
        settings,
        host=host if host is not None else settings.host,
        port=port if port is not None else settings.port,
        workers=workers if workers is not None else settings.workers,
        plan_worker=plan_worker,
    )


@command
def worker(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when standard input closes (used by serve).")
    ] = False,
) -> None:
    """Take plan runs off the queue and compute them; any number may run, on any machine.

    Example: python -m app worker
    """
    settings = load_settings()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_worker(settings, stop_at_end_of_input=with_parent))


def run_server(settings: Settings, *, host: str, port: int, workers: int, plan_worker: bool) -> None:
    """Run uvicorn until it is told to stop; the plan worker lives exactly as long."""
    refuse_foreign_schema()
    with plan_worker_process() if plan_worker else contextlib.nullcontext():
        uvicorn.run(
            "app.main:create_app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_level=settings.log_level,
            ws_max_size=settings.max_message_bytes,
            server_header=False,
            timeout_graceful_shutdown=10,
        )


@contextlib.contextmanager
def plan_worker_process() -> Iterator[subprocess.Popen[bytes]]:
    """Run `worker --with-parent` as a child for the length of the block.

    The child has a session of its own, so Ctrl-C reaches it only through us; our end of its standard input
    closes when this process dies in whatever way, and it then ends by itself.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "app", "worker", "--with-parent"],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": _prepend_path(PACKAGE_ROOT)},
    )
    try:
        yield child
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            progress("the plan worker does not stop; ending it (its run is taken up again at the next start)")
            child.kill()
            child.wait()


def _prepend_path(first: Path) -> str:
    """Return PYTHONPATH with `first` in front, so that the child runs the very code of its parent."""
    rest = os.environ.get("PYTHONPATH", "")
    return f"{first}{os.pathsep}{rest}" if rest else str(first)
