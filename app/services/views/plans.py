"""A plan: a commit with its calendar and, where it was published, its version."""

from dataclasses import dataclass
from datetime import date

from app.services.views.history import CommitView, VersionView, commit_view, version_of
from app.store.branches import At, Commit, resolve
from app.store.calendars import load_calendar
from app.store.database import Transaction
from app.vocabulary import Calendar


@dataclass(frozen=True, slots=True)
class PlanView:
    """One state of the plan; `state` is what the store reads it by."""

    state: Commit
    commit: CommitView
    version: VersionView | None
    calendar: Calendar

    @property
    def node_key(self) -> str:
        """The commit's number."""
        return self.commit.node_key

    @property
    def branch(self) -> str:
        """Branch of the commit."""
        return self.commit.branch

    @property
    def plan_date(self) -> date:
        """First day that is planned."""
        return self.calendar.plan_date


async def plan_view(tx: Transaction, at: At | None = None) -> PlanView:
    """Return the plan at a state; raises `NotFound` where there is none, or no data in it yet."""
    state = await resolve(tx, at)
    calendar = await load_calendar(tx, state)
    return PlanView(state, commit_view(state), await version_of(tx, state), calendar)
