"""Statements that select the series of a state, under a condition on `v` (series_version).

The newest version on a state's path counts. From a snapshot on the path, only what came after it is looked up
in the history.
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from typing import Any

from app.store.branches import PATH, Commit
from app.store.identity import ID_COLUMNS

COLUMNS = ("series_id", "measure_id", *ID_COLUMNS, "calendar_id", "first_ordinal", "cells")
_COLUMNS = ", ".join(f"v.{name}" for name in COLUMNS)


def path_parameters(commit: Commit) -> dict[str, Any]:
    """Return the parameters of all statements of this module."""
    return {
        **commit.path,
        "branch": commit.path_branches[0],
        "upto": commit.path_uptos[0],
        "snapshot": commit.snapshot_id,
    }


def latest(commit: Commit, where: str = "") -> str:
    """Return the statement for the series of a state, in one piece."""
    if commit.snapshot_id is None:
        return f"SELECT * FROM ({newest(commit, where)}) found WHERE found.cells IS NOT NULL"
    if commit.snapshot_id == commit.id:
        return kept(where)
    return f"""WITH newer AS MATERIALIZED ({newer(commit, where)})
        SELECT * FROM newer WHERE cells IS NOT NULL
        UNION ALL {kept(where)} AND NOT EXISTS (SELECT FROM newer n WHERE n.series_id = v.series_id)"""


def pieces(commit: Commit, where: str = "") -> list[str]:
    """Return the statements whose rows, the later over the earlier ones, are the series of a state.

    In the second piece, a series without cells was removed since the snapshot.
    """
    if commit.snapshot_id is None or commit.snapshot_id == commit.id:
        return [latest(commit, where)]
    return [kept(where), f"SELECT * FROM ({newer(commit, where)}) found"]


def kept(where: str = "") -> str:
    """Return the statement for the series in the snapshot."""
    return f"SELECT {_COLUMNS} FROM plan.snapshot_series v WHERE v.snapshot_commit_id = %(snapshot)s {where}"


def newer(commit: Commit, where: str = "") -> str:
    """Return the statement for the newest version of each series written since the snapshot."""
    return newest(commit, f"AND v.commit_id > %(snapshot)s {where}")


def newest(commit: Commit, where: str = "") -> str:
    """Return the statement for the newest version of each series on the commit's path, removals included."""
    if len(commit.path_branches) == 1:  # spares the planner a join: the rows come sorted from the primary key
        source = "plan.series_version v WHERE v.branch_id = %(branch)s AND v.commit_id <= %(upto)s"
    else:
        source = (
            f"{PATH} JOIN plan.series_version v ON v.branch_id = path.branch_id AND v.commit_id <= path.upto "
            "WHERE true"
        )
    return f"""SELECT DISTINCT ON (v.series_id) {_COLUMNS} FROM {source} {where}
        ORDER BY v.series_id, v.commit_id DESC"""


def by_id() -> str:
    """Return the statement for the series with `ids`: per series and branch, the last entry of the key."""
    on_branch = f"""SELECT v.commit_id, {_COLUMNS} FROM plan.series_version v
        WHERE v.branch_id = path.branch_id AND v.series_id = n.id AND v.commit_id <= path.upto
        ORDER BY v.commit_id DESC LIMIT 1"""
    return f"""SELECT {_COLUMNS} FROM unnest(%(ids)s::bigint[]) n(id) CROSS JOIN LATERAL (
            SELECT w.* FROM {PATH} CROSS JOIN LATERAL ({on_branch}) w ORDER BY w.commit_id DESC LIMIT 1) v
        WHERE v.cells IS NOT NULL"""
