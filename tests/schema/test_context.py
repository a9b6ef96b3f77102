"""The context: the principal is bound once, and not before somebody asks."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from app.access import Scope
from app.auth import Principal
from app.config import Settings
from app.errors import Forbidden
from app.store.database import Database
from schema.context import Bind, Context
from schema.ids import IdCodec

PRINCIPAL = Principal("s", "internal", "SALES", "sales", 0, "i", "t")


def context(bind: Bind) -> Context:
    return Context(PRINCIPAL, Settings(), cast(Database, None), IdCodec(b"k" * 64), bind)


async def test_resolvers_that_run_at_once_share_one_binding() -> None:
    calls: list[Principal] = []

    async def bind(principal: Principal) -> Scope:
        calls.append(principal)
        await asyncio.sleep(0)
        return Scope("concord_internal", "concord_sales")

    one = context(bind)
    assert calls == []
    scopes = await asyncio.gather(*(one.scope() for _ in range(10)))
    assert calls == [PRINCIPAL]
    assert len(set(map(id, scopes))) == 1


async def test_a_cancelled_resolver_does_not_cancel_the_binding_of_the_others() -> None:
    release = asyncio.Event()

    async def bind(principal: Principal) -> Scope:
        await release.wait()
        return Scope("concord_internal", "concord_sales", principal=principal)

    one = context(bind)
    impatient, patient = asyncio.ensure_future(one.scope()), asyncio.ensure_future(one.scope())
    await asyncio.sleep(0)
    impatient.cancel()
    release.set()
    assert (await patient).principal is PRINCIPAL
    assert impatient.cancelled() or impatient.cancelling()


async def test_a_refusal_is_told_to_each_resolver() -> None:
    async def bind(principal: Principal) -> Scope:
        raise Forbidden

    one = context(bind)
    for _ in range(2):
        with pytest.raises(Forbidden):
            await one.scope()
