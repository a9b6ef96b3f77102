"""Snapshots: all series of a sealed state in one place, so that reading it needs no history.

Derived from series_version. Every sealed state has one; a state reads the newest on its path and, of the
history, only what came after it.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from app.store.branches import Commit
from app.store.database import Transaction
from app.store.identity import ID_COLUMNS
from app.store.series import latest, path_parameters

_COLUMNS = ", ".join(("series_id", "measure_id", *ID_COLUMNS, "calendar_id", "first_ordinal", "cells"))


async def take_snapshot(tx: Transaction, state: Commit) -> int:
    """Copy the series visible at a state, unless it has its snapshot; returns how many were copied."""
    return await tx.execute(
        f"INSERT INTO plan.snapshot_series (snapshot_commit_id, {_COLUMNS}) "
        f"SELECT %(of)s, {_COLUMNS} FROM ({latest(state)}) q ON CONFLICT DO NOTHING",
        {**path_parameters(state), "of": state.id},
    )
