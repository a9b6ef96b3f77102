"""Four eyes: switched on in the policies, who did the first act is refused the second, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.access import HOST, Scope, load
from app.auth import Principal
from app.errors import Forbidden, SecondPersonNeeded
from app.services import four_eyes
from app.services.publish import publish
from app.services.scenario_changes import ScenarioRequest, promote_scenario
from app.services.scenarios import create_scenario
from app.store.branches import At, branch
from app.store.commits import write_commit
from app.store.database import Database
from tests.outside import changes, demand, plant
from tests.services.test_publish import reconciled


def as_planner(name: str) -> Scope:
    """Return the scope of a planner, writing as the host does for it."""
    principal = Principal(name, "internal", "PLAN", "planner", 2**31, "test", "t")
    return replace(HOST, settings={"concord.subject": name}, principal=principal)


@pytest.fixture
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped policies with four eyes on every action that knows its first pair."""
    shipped = load()
    actions = {
        name: action.model_copy(update={"four_eyes": action.first_pair is not None})
        for name, action in shipped.actions.action.items()
    }
    policies = replace(shipped, actions=shipped.actions.model_copy(update={"action": actions}))
    monkeypatch.setattr(four_eyes, "load", lambda: policies)


async def test_shipped_off_one_planner_does_both(database: Database) -> None:
    plan = await reconciled(database)
    await publish(database, as_planner("test"), At(commit=plan.id), kind="final", name="v")


@pytest.mark.usefixtures("switched_on")
async def test_who_asked_for_a_plan_does_not_publish_it(database: Database) -> None:
    plan = await reconciled(database)  # asked for by `test`
    with pytest.raises(SecondPersonNeeded) as refused:
        await publish(database, as_planner("test"), At(commit=plan.id), kind="final", name="v")
    assert isinstance(refused.value, Forbidden)
    assert refused.value.code == "SECOND_PERSON_NEEDED"
    assert "asked for this plan" in refused.value.message
    await publish(database, as_planner("somebody else"), At(commit=plan.id), kind="final", name="v")


@pytest.mark.usefixtures("switched_on")
async def test_the_command_line_stands_for_the_company(database: Database) -> None:
    plan = await reconciled(database)
    own = replace(HOST, settings={"concord.subject": "test"})
    await publish(database, own, At(commit=plan.id), kind="final", name="v")


@pytest.mark.usefixtures("switched_on")
async def test_who_changed_a_scenario_does_not_promote_it(database: Database) -> None:
    await plant(database)
    await create_scenario(database, as_planner("anna"), "try")
    async with database.write(HOST) as tx:
        more = changes({demand("salesForecast", "C1", "S1"): [1] * 8})
        await write_commit(tx, await branch(tx, "try"), author="anna", reason="more", series=more)
    request = ScenarioRequest("try", "agreed", "k")
    with pytest.raises(SecondPersonNeeded):
        await promote_scenario(database, as_planner("anna"), request)
    assert (await promote_scenario(database, as_planner("ben"), request)).done
