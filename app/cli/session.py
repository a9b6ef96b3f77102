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
from app.cli.output import progress
from app.config import Settings, load_settings
from app.errors import DatabaseNotMigrated, InputError
from app.services.audit import note
from app.store.audit import Event
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
        if current:
            await seal_pending(database)  # where nothing is served, nobody else would
    finally:
        await database.close()


def operator() -> Scope:
    """Return the host's scope in the name of whoever is at the keyboard, for the audit log."""
    who = {"concord.subject": getpass.getuser(), "concord.as_role": "operator", "concord.as_audience": "host"}
    return replace(HOST, settings={**who, "concord.origin": "command line"})


async def note_if_kept(database: Database, event: Event) -> None:
    """Put on record what is done to files of this machine; there is no log before the first migration."""
    try:
        await check_current(database)
    except DatabaseNotMigrated:
        progress("not on record: the database of these settings is not migrated")
        return
    await note(database, operator(), event)
    await seal_pending(database)


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
