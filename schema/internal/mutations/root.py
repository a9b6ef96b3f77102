"""The mutations of the internal graph."""

import strawberry

from schema.internal.mutations.party_suspend import (
    PartyReinstatePayload,
    PartySuspendPayload,
    resolve_party_reinstate,
    resolve_party_suspend,
)
from schema.internal.mutations.plan_publish import PlanPublishPayload, resolve_plan_publish
from schema.internal.mutations.plan_reconcile import (
    PlanReconcilePayload,
    RunCancelPayload,
    resolve_plan_reconcile,
    resolve_run_cancel,
)
from schema.internal.mutations.scenario_changes import (
    ScenarioMergePayload,
    ScenarioPromotePayload,
    ScenarioRebasePayload,
    resolve_scenario_merge,
    resolve_scenario_promote,
    resolve_scenario_rebase,
)
from schema.internal.mutations.scenario_create import ScenarioCreatePayload, resolve_scenario_create
from schema.internal.mutations.series_spread import SeriesSpreadPayload, resolve_series_spread
from schema.internal.mutations.series_submit import SeriesSubmitPayload, resolve_series_submit
from schema.types.fields import served


@strawberry.type(description="What a department of the host may do; each mutation takes one input.")
class Mutation:
    """Root fields."""

    series_submit: SeriesSubmitPayload = served(
        resolve_series_submit, description="Submit values of your role's measures, as one commit."
    )
    series_spread: SeriesSpreadPayload = served(
        resolve_series_spread,
        description="Edit your role's measures at a level: each figure is split over the series below, adds "
        "up exactly, and leaves closed buckets as they are.",
    )
    scenario_create: ScenarioCreatePayload = served(
        resolve_scenario_create, description="Fork a branch of inputs; copies nothing."
    )
    scenario_merge: ScenarioMergePayload = served(
        resolve_scenario_merge, description="Bring a scenario's changes into the branch it was forked from."
    )
    scenario_rebase: ScenarioRebasePayload = served(
        resolve_scenario_rebase,
        description="Start a scenario anew from a later state; the old branch stays readable.",
    )
    scenario_promote: ScenarioPromotePayload = served(
        resolve_scenario_promote, description="Let the parent show exactly the scenario, which is closed."
    )
    plan_reconcile: PlanReconcilePayload = served(
        resolve_plan_reconcile,
        description="Ask for the reconciled plan of a branch's inputs.",
    )
    run_cancel: RunCancelPayload = served(
        resolve_run_cancel, description="Stop a run; one that has ended stays as it is."
    )
    plan_publish: PlanPublishPayload = served(
        resolve_plan_publish,
        description="Seal a reconciled plan as a version, and release to each party what it may see.",
    )
    party_suspend: PartySuspendPayload = served(
        resolve_party_suspend,
        description="Keep a party out: its tokens are refused at once, its sessions and streams end.",
    )
    party_reinstate: PartyReinstatePayload = served(
        resolve_party_reinstate, description="Let a suspended party in again; all its data are as they were."
    )
