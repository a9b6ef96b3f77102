"""One planning run over one data set: build, reconcile, round, turn into measures. Pure: no clock, no I/O."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.reconcile import reconcile
from app.engine.runner import Executor
from app.engine.solution import Conflict, Decisions, Reconciliation, Solution, Stakeholder
from app.errors import PlanImpossible
from app.exchange.dataset import Dataset, SeriesBlock
from app.services.planning.build import PlanModel, build
from app.services.planning.departments import departments_of
from app.services.planning.measures import plan_series
from app.services.planning.notes import Note
from app.services.planning.previous import PreviousPlan
from app.services.planning.relax import relaxed

RELAXATIONS = 3


@dataclass(frozen=True)
class Plan:
    """A reconciled plan: its problem, the engine's answer, and what is published of it."""

    model: PlanModel
    reconciliation: Reconciliation
    solution: Solution
    series: list[SeriesBlock]
    given_way: tuple[tuple[Conflict, ...], ...] = ()
    """What had to give way before there was a plan, round by round (rule P28)."""

    @property
    def departments(self) -> tuple[Stakeholder, ...]:
        """Those that it is reconciled between."""
        return departments_of(self.model.facts.parameters)

    @property
    def decisions(self) -> Decisions:
        """The decisions published, rounded."""
        return self.solution.plan

    @property
    def notes(self) -> tuple[Note, ...]:
        """What planning assumed or missed."""
        return self.model.facts.notes.all()

    def block(self, measure: str) -> SeriesBlock | None:
        """Return the series of a measure; None where the plan has none."""
        return next((block for block in self.series if block.measure == measure), None)


def make_plan(
    dataset: Dataset,
    rule: str,
    previous: PreviousPlan | None = None,
    *,
    cache: Cache[Result] | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """Plan a data set under a reconciliation rule.

    Raises PlanImpossible, saying what stands in the way, where no plan exists; PlanCancelled when cancelled.
    """
    model = build(dataset, previous)
    departments, given_way = departments_of(model.facts.parameters), []
    for _ in range(RELAXATIONS):
        answer = reconcile(
            model.problem,
            departments,
            rule,
            cache=cache,
            executor=executor,
            progress=progress,
            cancelled=cancelled,
        )
        if answer.status != "infeasible":
            break
        loosened = relaxed(model.problem, answer.conflicts, model.facts.notes)
        if loosened is None:
            break
        model = replace(model, problem=loosened)
        given_way.append(answer.conflicts)
    solution = answer.solution
    if solution is None or solution.decisions is None:
        reasons = " ".join(conflict.text for conflict in answer.conflicts[:5])
        raise PlanImpossible(status=answer.status, reason=reasons or "the solver found none")
    return Plan(model, answer, solution, plan_series(model, solution.plan), tuple(given_way))
