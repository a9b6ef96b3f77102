"""`serve` and `worker`: the server of the three graphs, and the process that computes plans beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Annotated

import typer
import uvicorn

from app.cli.output import Json, answer, command
from app.cli.plan_worker import PlanWorker
from app.cli.session import with_database
from app.config import Settings, load_settings
from app.errors import ConfigurationError
from app.main import refuse_foreign_schema
from app.store.database import Database
from app.worker import run_worker


@command
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (CONCORD_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (CONCORD_PORT).")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes (CONCORD_WORKERS).")] = None,
    plan_worker: Annotated[
        bool, typer.Option("--plan-worker/--no-plan-worker", help="Start one worker for plan runs.")
    ] = True,
    json: Json = False,
) -> None:
    """Serve the graphs at /graphql, with one worker for plan runs; --json says where before it starts.

    Example: python -m app serve --port 8000
    """
    settings = load_settings()
    host = host if host is not None else settings.host
    port = port if port is not None else settings.port
    refuse_taken(host, port)
    with_database(_nothing_more)
    count = workers if workers is not None else settings.workers
    data = {"url": f"http://{host}:{port}/graphql", "workers": count, "plan_worker": plan_worker}
    answer(data, json=json, text=lambda: None)
    run_server(settings, host=host, port=port, workers=count, plan_worker=plan_worker)


@command
def worker(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when standard input closes (used by serve).")
    ] = False,
    json: Json = False,
) -> None:
    """Take plan runs off the queue and compute them; any number may run, on any machine.

    It ends on SIGINT or SIGTERM; --json says that it ended as it should.

    Example: python -m app worker
    """
    settings = load_settings()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_worker(settings, stop_at_end_of_input=with_parent))
    answer({"ended": True}, json=json, text=lambda: None)


def refuse_taken(host: str, port: int) -> None:
    """Raise ConfigurationError where the server could not listen, before any work is done for it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        why = error.strerror if error.errno is None or error.errno < 0 else os.strerror(error.errno)
        raise ConfigurationError(
            reason=f"nothing can listen on {host}, port {port} ({why}); choose others by --host and --port"
        ) from None


async def _nothing_more(_: Database) -> None:
    """Open a database of this program's schema, or say in one line why that cannot be."""


def run_server(settings: Settings, *, host: str, port: int, workers: int, plan_worker: bool) -> None:
    """Run uvicorn until it is told to stop; the plan worker lives exactly as long.

    Server processes are told nothing but the environment, and the issuer is named by where they listen.
    """
    refuse_foreign_schema()
    os.environ.update(CONCORD_HOST=host, CONCORD_PORT=str(port))
    with PlanWorker() if plan_worker else contextlib.nullcontext():
        uvicorn.run(
            "app.main:create_app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_level=settings.log_level,
            ws="websockets-sansio",
            ws_max_size=settings.max_message_bytes,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
