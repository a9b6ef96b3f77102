"""What commands share: the open database, and options that several of them take."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import typer

from app.access import HOST, Scope
from app.config import Settings, load_settings
from app.errors import InputError
from app.store.audit_chain import seal_pending
from app.store.branches import MAIN, At
from app.store.database import Database
from app.store.migrate import check_current

R = TypeVar("R")

Branch = Annotated[str, typer.Option(help="Branch of inputs.")]
Rule = Annotated[
    str, typer.Option(help="Rule that balances the departments: leximin, weighted, lexicographic or goals.")
]


@asynccontextmanager
async def opened(settings: Settings, *, current: bool = True) -> AsyncIterator[Database]:
    """Open the database for one command; `current` refuses one that was not migrated."""
    database = await Database.open(settings)
    try:
        if current:
            await check_current(database)
        yield database
        await seal_pending(database)  # where nothing is served, nobody else would
    finally:
        await database.close()


def operator() -> Scope:
    """Return the host's scope in the name of whoever is at the keyboard, for the audit log."""
    who = {"concord.subject": getpass.getuser(), "concord.as_role": "operator", "concord.as_audience": "host"}
    return replace(HOST, settings={**who, "concord.origin": "command line"})


def with_database(work: Callable[[Database], Coroutine[Any, Any, R]], *, current: bool = True) -> R:
    """Run `work` with the database of the environment and return what it returns."""

    async def run() -> R:
        async with opened(load_settings(), current=current) as database:
            return await work(database)

    return asyncio.run(run())


def address(branch: str | None, version: str | None, commit: int | None) -> At:
    """Return the state that at most one of the options names; main's head where none does.

    Raises InputError where more than one is given.
    """
    if sum(option is not None for option in (branch, version, commit)) > 1:
        raise InputError(reason="name the state by one of --branch, --version and --commit")
    if version is None and commit is None:
        return At(branch=branch or MAIN)
    return At(version=version, commit=commit)
