"""Import: a directory of files, or a dataset, becomes one commit of inputs, or nothing."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.access import HOST, Scope
from app.exchange import Dataset, DatasetResult, read_dataset
from app.services.datasets import series_changes
from app.store.audit import Event, Who, record
from app.store.branches import MAIN, Commit, branch, create_plan, head
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges
from app.vocabulary import ENTITIES


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: the findings and counts of reading, and the commit (None: nothing was written)."""

    reading: DatasetResult
    commit: Commit | None
    changed: bool = False


async def import_directory(
    database: Database,
    directory: Path,
    *,
    mapping: Path | None = None,
    author: str,
    dry_run: bool = False,
    parameters: Mapping[str, str] | None = None,
    progress: Callable[[str, int], None] | None = None,
    scope: Scope = HOST,
) -> Imported:
    """Read a directory and commit it to main; with errors among the findings or `dry_run`, write nothing.

    `parameters` override planning parameters by name. Importing the same files again changes nothing.
    """
    reading = await asyncio.to_thread(
        read_dataset, directory, mapping, parameters=parameters, progress=progress
    )
    if reading.dataset is None or dry_run:
        return Imported(reading, None)
    commit, changed = await import_dataset(
        database, reading.dataset, author=author, message=directory.name, scope=scope
    )
    return Imported(reading, commit, changed)


async def import_dataset(
    database: Database,
    dataset: Dataset,
    *,
    author: str,
    message: str = "",
    branch_name: str = MAIN,
    scope: Scope = HOST,
) -> tuple[Commit, bool]:
    """Commit a dataset to a branch; return the branch's head then, and whether anything changed.

    The dataset is all reference data there is, and all there is of each measure that it holds; measures that
    it does not hold stay as they were. `scope` is the host's, in the name of whoever imports.
    """
    async with database.write(scope) as tx:
        if branch_name == MAIN:
            await create_plan(tx, author=author)
        target = await branch(tx, branch_name)
        before = await head(tx, branch_name)
        commit = await write_commit(
            tx,
            target,
            author=author,
            reason="import",
            message=message,
            series=series_changes(dataset.series),
            entities=EntityChanges(rows=dataset.entities, exact=tuple(ENTITIES)),
            calendar=dataset.calendar,
        )
        who = Who(subject=author) if scope is HOST else Who()
        await record(
            tx, Event("write", "import", message or None, target.name, before.id, commit.id, who=who)
        )
    return commit, commit.id != before.id
