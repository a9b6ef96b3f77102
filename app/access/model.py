"""The files of `policies/` as immutable data: one model per file, malformed files refused with the place."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Rule = str | dict[str, str | list[str]]
"""How far a role's rows of a table go; policies/rows.toml lists the forms."""

CycleState = Literal[
    "SCHEDULED",
    "DATA_PREPARATION",
    "PRODUCT_REVIEW",
    "DEMAND_REVIEW",
    "SUPPLY_REVIEW",
    "RECONCILIATION",
    "EXECUTIVE_REVIEW",
    "PUBLISHED",
    "CLOSED",
]
"""States of the planning cycle."""

FirstPair = Literal["reconciled", "changed"]
"""Whose act comes first where four eyes are asked for: who asked for the plan, who changed the scenario."""

Visibility = Literal["all", "region", "site", "own"]


class Model(BaseModel):
    """A table of a policy file: immutable, every key known, no value converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Audience(Model):
    """Who shares a graph, a login role and a pool."""

    doc: str
    login: str
    party_kind: Literal["department", "external"] | None = None
    holds: Literal["supplier", "customer"] | None = None


class Role(Model):
    """A business role and the database role behind it."""

    doc: str
    audience: str
    database_role: str
    reads: list[str] = []
    """Schemas of which it reads every row and column."""


class ScopeRule(Model):
    """A way to narrow rows: dimension → setting with the caller's ids, in order of preference."""

    doc: str
    by: dict[str, str]
    unlimited: str | None = None


class Parties(Model):
    """parties.toml."""

    audience: dict[str, Audience]
    role: dict[str, Role]
    group: dict[str, list[str]]
    scope: dict[str, ScopeRule]


class Rows(Model):
    """rows.toml."""

    table: dict[str, dict[str, Rule]]
    kind: dict[str, dict[str, str]]


class Action(Model):
    """A mutation: who may do it, as whom it writes, and what."""

    doc: str
    audience: str
    roles: list[str]
    carried_out_by: Literal["caller", "host", "publisher"] = Field(alias="as")
    four_eyes: bool
    first_pair: FirstPair | None = None
    state: list[CycleState] = []
    submits: list[str] = []
    insert: dict[str, Rule] = {}
    update: dict[str, list[str]] = {}


class Work(Model):
    """What one of Concord's own roles writes without a person."""

    doc: str
    role: str
    insert: dict[str, Rule] = {}
    update: dict[str, list[str]] = {}
    delete: list[str] = []


class Call(Model):
    """Who may call a function of a schema under policy."""

    doc: str
    roles: list[str]


class Submits(Model):
    """The measures that a role submits, and the scope that bounds it."""

    measures: list[str]
    within: str | None = None


class Actions(Model):
    """actions.toml."""

    action: dict[str, Action]
    submits: dict[str, Submits]
    inbox: dict[str, list[str]]
    work: dict[str, Work]
    call: dict[str, Call] = {}


class Released(Model):
    """A table of releases: whom it goes to, the measures it carries, where each column comes from."""

    doc: str
    to: list[str]
    measures: list[str] = []
    columns: dict[str, str]


class MeasureList(Model):
    """Measures that reach a party otherwise than by a release, and how."""

    doc: str
    measures: list[str]
