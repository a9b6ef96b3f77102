"""Whether a published plan answers customers, as far as the caller reads the answers."""

from typing import Final

from app.services.views.history import VersionView
from app.store.branches import commit
from app.store.database import Transaction
from app.store.series import read_series

SUPPLY_ANSWER: Final = "supplyAnswer"


async def answers_customers(tx: Transaction, version: VersionView) -> bool:
    """Say whether there is a supply answer in a version that the caller may read."""
    state = await commit(tx, version.commit.number)
    return bool((await read_series(tx, state, measures=[SUPPLY_ANSWER], first=1)).keys)
