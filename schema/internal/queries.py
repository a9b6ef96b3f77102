"""The queries of the internal graph."""

import strawberry

from schema.internal.audit import AuditEvent, AuditHead, resolve_audit_events, resolve_audit_head
from schema.internal.compare import Comparison, resolve_compare
from schema.internal.hierarchies import Hierarchy, resolve_hierarchies
from schema.internal.history import (
    Branch,
    Commit,
    Version,
    resolve_branches,
    resolve_commits,
    resolve_versions,
)
from schema.internal.nodes import resolve_node, resolve_nodes, with_lists
from schema.internal.plans import Plan, resolve_calendar, resolve_plan
from schema.internal.runs import (
    ReconciledPlan,
    Run,
    ScenarioPlan,
    resolve_reconciled_plan,
    resolve_reconciled_plans,
    resolve_run,
)
from schema.internal.submissions import Submission, resolve_submissions
from schema.internal.viewer import Viewer, resolve_viewer
from schema.internal.vocabulary import Measure, resolve_measures
from schema.internal.waterfall import WaterfallStep, resolve_waterfall
from schema.types.calendar import Calendar
from schema.types.connections import Connection
from schema.types.fields import served
from schema.types.node import Node


@strawberry.type(description="What a department of the host may ask.")
@with_lists
class Query:
    """Root fields; the lists of the reference data are added from the vocabulary."""

    viewer: Viewer = served(resolve_viewer, description="The caller, and what the policies grant to it.")
    node: Node | None = served(
        resolve_node,
        description="An object by its id; null where there is none that your role may read.",
    )
    nodes: list[Node | None] = served(resolve_nodes, description="Objects by their ids, each at its place.")
    measures: list[Measure] = served(
        resolve_measures,
        description="The measures of the plan, and what your role may do with each.",
    )
    hierarchies: list[Hierarchy] | None = served(
        resolve_hierarchies,
        description="How items, sites, customers and suppliers are grouped; null with NOT_GRANTED for who "
        "reads none.",
    )
    calendar: Calendar = served(resolve_calendar, description="The calendar of a state.")
    plan: Plan = served(resolve_plan, description="A state of the plan.")
    reconciled_plan: ReconciledPlan = served(
        resolve_reconciled_plan,
        description="The reconciled plan of exactly the inputs at a state, remembered by their content. "
        "Where nobody has asked for it before, a run is started and awaited as long as wanted.",
    )
    reconciled_plans: list[ScenarioPlan] = served(
        resolve_reconciled_plans,
        description="The reconciled plans of several scenarios under one rule, side by side. Runs that "
        "nobody has asked for are started together and awaited as long as wanted.",
    )
    run: Run | None = served(resolve_run, description="A reconciliation asked for, by its id.")
    compare: Comparison = served(resolve_compare, description="Two states side by side.")
    waterfall: list[WaterfallStep] | None = served(
        resolve_waterfall,
        description="One bucket's value in each published plan, oldest first; null with NOT_GRANTED where "
        "your role does not read the measure.",
    )
    audit_events: Connection[AuditEvent] | None = served(
        resolve_audit_events,
        description="Who did what, newest first; null with NOT_GRANTED for who is no auditor.",
    )
    audit_head: AuditHead | None = served(
        resolve_audit_head,
        description="The end of the chain over the audit log; null with NOT_GRANTED for who is no auditor.",
    )
    commits: Connection[Commit] = served(resolve_commits, description="What a branch has seen, newest first.")
    branches: Connection[Branch] = served(
        resolve_branches, description="Main, scenarios and results, by name."
    )
    versions: Connection[Version] = served(resolve_versions, description="Published versions, newest first.")
    submissions: Connection[Submission] | None = served(
        resolve_submissions,
        description="What suppliers and customers have submitted, latest first, as far as you may read "
        "what it states; null with NOT_GRANTED where your role reads none.",
    )
