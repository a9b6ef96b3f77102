"""Runs as the graph shows them."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from uuid import UUID

from app.services.views.runs import run_view
from app.store.runs import Run


def test_progress_reads_as_it_was_reported() -> None:
    (kept,) = struct.unpack("<f", struct.pack("<f", 0.45))  # single precision, as the database keeps it
    found = Run(
        id=UUID(int=1),
        branch="main",
        rule="leximin",
        state="running",
        requested_by="planner",
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        started_at=None,
        finished_at=None,
        attempts=1,
        progress=kept,
        inputs_commit_id=None,
        result_commit_id=None,
        error_code=None,
    )
    assert kept != 0.45
    assert run_view(found).progress == 0.45
