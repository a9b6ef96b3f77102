"""Backup and restore of the whole database, the second one proved by the store's own verification."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from app.access import RECORDER, Scope, on_behalf
from app.services.verify import Verification, verify_store
from app.store.audit import Event, record
from app.store.database import Database
from app.store.dumping import dump, load
from app.store.migrate import migrate


async def backup(database: Database, scope: Scope, file: Path) -> int:
    """Write everything in the database to one new file and return its size in bytes.

    One state is kept, whatever is written meanwhile; that it was taken is on record in it. Raises InputError
    where the file exists or cannot be written.
    """
    async with database.write(on_behalf(RECORDER, scope)) as tx:
        await record(tx, Event("export", "backup", file.name))
    return await asyncio.to_thread(dump, database.address, file)


async def restore(
    database: Database, scope: Scope, file: Path, *, progress: Callable[[str], None] | None = None
) -> Verification:
    """Fill an empty database from a backup, bring it to this program's schema, and verify it.

    Raises BackupUnusable or DatabaseNotEmpty, and then nothing was changed.
    """
    await asyncio.to_thread(load, database.address, file)
    await migrate(database, by=scope.settings)
    async with database.write(on_behalf(RECORDER, scope)) as tx:
        await record(tx, Event("write", "restore", file.name))
    return await verify_store(database, progress=progress)
