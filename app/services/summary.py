"""A reconciled plan in a planner's words: promises, costs, concessions, bottlenecks, what is late."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from app.access import Scope
from app.errors import NotFound
from app.exchange.dataset import Dataset
from app.services.datasets import load_dataset
from app.services.planning.highlights import (
    Bottleneck,
    BuiltAhead,
    Late,
    bottlenecks,
    built_ahead,
    late_items,
    open_values,
)
from app.services.planning.standard import AT_STANDARD, cost_basis
from app.services.planning.totals import plan_totals
from app.services.wording import Names, amount, when
from app.store.branches import At, resolve
from app.store.database import Database
from app.store.reconciliations import BindingLimit, Stakeholder, read_limits, read_stakeholders, read_summary
from app.store.reconciliations import Summary as Proof
from app.vocabulary import MEASURES, Bucket

SHOWN = 5
EARNED_AND_SPENT = ("revenue", "purchase", "production", "freight", "regular", "overtime", "margin")
DEMAND = ("netDemand", "constrainedDemand", "unmetDemand", "backlog")


@dataclass(frozen=True, slots=True)
class Volume:
    """Units over the published horizon; `backlog` is what is still open at its end, `on_time` a share."""

    asked: float
    delivered: float
    lost: float
    backlog: float
    on_time: float


@dataclass(frozen=True)
class PlanSummary:
    """What a plan comes to; quantities in base units, money in `currency`, costs actual or at standard."""

    proof: Proof
    currency: str
    costs: str
    start: date
    end: date
    volume: Volume
    totals: dict[str, float]
    contribution: float
    departments: tuple[Stakeholder, ...]
    bottlenecks: tuple[Bottleneck, ...]
    limits: tuple[BindingLimit, ...]
    late: tuple[Late, ...]
    built_ahead: tuple[BuiltAhead, ...]
    notes: tuple[dict[str, str], ...]
    names: Names

    def data(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "rule": self.proof.rule,
            "status": self.proof.status,
            "seconds": self.proof.seconds,
            "currency": self.currency,
            "costs": self.costs,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "volume": asdict(self.volume),
            "totals": self.totals,
            "departments": [asdict(one) for one in self.departments],
            "bottlenecks": [_plain(asdict(one)) for one in self.bottlenecks],
            "limits": [asdict(one) for one in self.limits],
            "late": [_plain(asdict(one)) for one in self.late],
            "builtAhead": [_plain(asdict(one)) for one in self.built_ahead],
            "notes": [dict(note) for note in self.notes],
        }

    def text(self) -> str:
        """Return the summary as a page of plain text."""
        sections = (
            self._heading(),
            self._promised(),
            self._money(),
            self._given_up(),
            self._held_back(),
            self._late(),
            self._ahead(),
            self._assumed(),
        )
        return "\n\n".join("\n".join(section) for section in map(list, sections) if section)

    def _heading(self) -> Iterator[str]:
        gap = "" if self.proof.gap is None else f", gap {self.proof.gap:.1e}"
        proven = "proven optimal" if self.proof.status == "optimal" else f"{self.proof.status}, not proven"
        span = f"Plan from {_day(self.start)} to {_day(self.end)}"
        yield f"{span}, reconciled under {self.proof.rule}: {proven}{gap}."

    def _promised(self) -> Iterator[str]:
        volume = self.volume
        asked, delivered, lost, left = map(
            amount, (volume.asked, volume.delivered, volume.lost, volume.backlog)
        )
        yield "What is promised"
        yield f"  {delivered} of {asked} units asked for, {volume.on_time:.1%} of them on time."
        yield f"  {lost} units are not supplied; {left} are still open at the end."

    def _money(self) -> Iterator[str]:
        basis = f", {self.costs}" if self.costs == AT_STANDARD else ""
        yield f"What it earns and costs ({self.currency}{basis})"
        for name in EARNED_AND_SPENT:
            yield f"  {name:<12}{self.totals[name]:>16,.0f}"
        if self.costs == AT_STANDARD:
            yield f"  What is sold leaves {self.contribution:,.0f} at standard."

    def _given_up(self) -> Iterator[str]:
        yield "What each department gave up"
        for one in self.departments:
            if one.no_conflict:
                yield f"  {one.stakeholder:<12}nothing: no other plan suits it better"
            else:
                money = "" if one.money is None else f", {one.money:,.0f} {self.currency}"
                yield f"  {one.stakeholder:<12}{one.concession:.1%} of its range{money} ({one.objective})"

    def _held_back(self) -> Iterator[str]:
        yield "Where the bottlenecks are"
        for one in self.bottlenecks:
            extra = f", {amount(one.overtime)} hours of overtime" if one.overtime > 0 else ""
            span = when(one.first) if one.first == one.last else f"{when(one.first)} to {when(one.last)}"
            name = self.names.of("resource", one.resource)
            yield f"  {name}: full in {one.full} of {one.of} buckets ({span}){extra}."
        yield from (f"  {limit.text}" for limit in _of_suppliers(self.limits)[:SHOWN])

    def _late(self) -> Iterator[str]:
        yield "What is late"
        for one in self.late[:SHOWN]:
            until = "still open at the end" if one.until is None else f"caught up in {when(one.until)}"
            name = self.names.of("item", one.item)
            yield (
                f"  {name}: late since {when(one.since)}, at most {amount(one.peak)} units "
                f"(end of {when(one.peak_at)}), {until}."
            )
        yield from _more(self.late, "items are late")
        if not self.late:
            yield "  Nothing."

    def _ahead(self) -> Iterator[str]:
        yield "What is built ahead"
        largest = sorted(self.built_ahead, key=lambda one: -one.quantity)[:SHOWN]
        for one in sorted(largest, key=lambda one: one.month):
            items = ", ".join(f"{amount(q)} {self.names.of('item', item)}" for item, q in one.items[:3])
            yield (
                f"  For {one.month:%B %Y}: {amount(one.quantity)} units, from {when(one.since)} on; "
                f"most of it {items}."
            )
        if not self.built_ahead:
            yield "  Nothing."

    def _assumed(self) -> Iterator[str]:
        if self.notes:
            yield "What was assumed"
            yield from (f"  {note['text']}" for note in self.notes[:SHOWN])
            yield from _more(self.notes, "such notes are in the certificate")


async def summarise(database: Database, scope: Scope, at: At) -> PlanSummary:
    """Summarise the reconciled plan at an address; raises NotFound for a state that is none."""
    async with database.read(scope) as tx:
        found = await resolve(tx, at)
        proof = await read_summary(tx, found)
        if proof is None:
            raise NotFound(kind="reconciled plan", name=f"at commit {found.id}")
        plan = await load_dataset(tx, found, tuple(MEASURES))
        departments = await read_stakeholders(tx, found)
        limits = await read_limits(tx, found)
    return await asyncio.to_thread(summary_of, plan, proof, departments, limits)


def summary_of(
    plan: Dataset, proof: Proof, departments: Iterable[Stakeholder], limits: Iterable[BindingLimit]
) -> PlanSummary:
    """Summarise a data set that holds the measures of a plan."""
    certificate = proof.certificate or {}
    return PlanSummary(
        proof=proof,
        currency=proof.currency,
        costs=cost_basis(plan.parameters),
        start=plan.calendar.plan_date,
        end=plan.calendar.end,
        volume=_volume(plan),
        totals=plan_totals(plan),
        contribution=_contribution(plan),
        departments=tuple(departments),
        bottlenecks=bottlenecks(plan),
        limits=tuple(limits),
        late=late_items(plan),
        built_ahead=built_ahead(plan),
        notes=tuple(certificate.get("notes", ())),
        names=Names(plan.entities),
    )


def _contribution(plan: Dataset) -> float:
    """Return the contribution margin of what is delivered in the open buckets (rule P26)."""
    block, first = plan.block("contributionMargin"), plan.calendar.first_open
    return 0.0 if block is None else float(np.nansum(block.values[:, first:]))


def _volume(plan: Dataset) -> Volume:
    asked, delivered, lost, backlog = (
        sum(open_values(plan, name, "item").values(), start=np.zeros(len(plan.calendar.open_buckets)))
        for name in DEMAND
    )
    in_time = _on_time(plan, float(asked.sum()))
    return Volume(float(asked.sum()), float(delivered.sum()), float(lost.sum()), float(backlog[-1]), in_time)


def _on_time(plan: Dataset, asked: float) -> float:
    """Return the share of the demand delivered in the bucket that it was asked for."""
    service, first = plan.block("serviceLevel"), plan.calendar.first_open
    if service is None or asked <= 0:
        return 1.0
    demand = plan.block("netDemand")
    wanted: dict[tuple[str | None, str | None], Any] = {}
    for key, row in zip(demand.keys, demand.values, strict=True) if demand else ():
        wanted[key[0], key[5]] = wanted.get((key[0], key[5]), 0.0) + np.nan_to_num(row[first:])
    served = sum(
        float(np.nan_to_num(row[first:]) @ wanted.get((key[0], key[5]), np.zeros(len(row) - first)))
        for key, row in zip(service.keys, service.values, strict=True)
    )
    return served / 100.0 / asked


def _of_suppliers(limits: Iterable[BindingLimit]) -> list[BindingLimit]:
    """Return the dearest limit of each supplier and item."""
    first: dict[tuple[str | None, str | None], BindingLimit] = {}
    for limit in limits:
        if limit.supplier is not None and limit.kind != "activity_lower" and limit.amount > 0:
            first.setdefault((limit.supplier, limit.item), limit)
    return list(first.values())


def _more(things: Sequence[object], words: str) -> Iterator[str]:
    if len(things) > SHOWN:
        yield f"  … {len(things) - SHOWN} more {words}."


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _plain(value: Any) -> Any:
    """Return a value with buckets and dates as ISO dates, all the way down."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Bucket):
        return value.start.isoformat()
    return value.isoformat() if isinstance(value, date) else value
