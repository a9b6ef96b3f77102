"""Ctrl-C while a plan is computed: what works on it ends first, then the database closes."""

from __future__ import annotations

import asyncio
from typing import NoReturn, cast

import pytest

from app.cli import planning
from app.store.database import Database


async def test_what_works_on_a_plan_ends_before_the_command_does(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def request(*_: object, **__: object) -> object:
        return object()

    async def work_off(_: object) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)  # giving the job back takes the database
            ended.set()

    async def interrupted(*_: object) -> NoReturn:
        await asyncio.sleep(0.01)
        raise asyncio.CancelledError

    monkeypatch.setattr(planning, "request", request)
    monkeypatch.setattr(planning, "work_off", work_off)
    monkeypatch.setattr(planning, "_follow", interrupted)
    with pytest.raises(asyncio.CancelledError):
        await planning.reconcile_now(cast(Database, None), "main", "leximin")
    assert ended.is_set()
