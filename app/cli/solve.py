"""`solve`: a stand-alone case from a file, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.output import Json, answer, command, say
from app.engine.problem import INFINITE
from app.exchange.case_answer import solve_case
from app.exchange.case_file import read_case
from app.exchange.case_mrp import explode_case

PER_BLOCK = 12  # periods side by side
DIGITS = 4  # decimals shown
MOST_LIMITS = 12  # limits shown
STATUS_WORDS: Mapping[str, str] = {
    "optimal": "proven optimal",
    "feasible": "a plan, not proven optimal",
    "infeasible": "no plan meets every requirement",
    "unbounded": "without end: something is earned by doing ever more",
    "limit": "the time limit was reached",
}


@command
def solve(
    case: Annotated[Path, typer.Argument(help="Case file: JSON of the model plan or mrp.")],
    time_limit: Annotated[
        float, typer.Option(min=0.0, help="Seconds of solving, for the case and for each scenario.")
    ] = INFINITE,
    json: Json = False,
) -> None:
    """Solve a stand-alone planning case: its optimum with proof, what cannot hold, or its MRP explosion.

    Example: python -m app solve my-case.json
    """
    given, ignored = read_case(case)
    periods = [str(period) for period in given["periods"]]
    if given["model"] == "mrp":
        found = explode_case(given) | {"ignored": ignored}
        lines = _exploded(found, periods)
    else:
        found = solve_case(given, time_limit) | {"ignored": ignored}
        lines = _solved(found, periods)
    title = str(given.get("title") or given.get("id") or case.name)
    answer(found, json=json, text=lambda: _tell(title, lines, ignored))


def _tell(title: str, lines: Iterator[str], ignored: Sequence[str]) -> None:
    say(title)
    for line in lines:
        say(line)
    if ignored:
        say(f"Not part of the format, left aside: {', '.join(ignored)}.")


def _solved(found: Mapping[str, Any], periods: Sequence[str]) -> Iterator[str]:
    """Answer for people: verdict, decisions that are not zero, values of capacity, conflicts, scenarios."""
    yield _verdict(found)
    if found["status"] == "infeasible":
        yield from _conflicts(found)
    yield from _table("Decisions", found["decisions"], periods)
    yield from _table("Objective by one more unit of", found["duals"], periods)
    yield from _limits(found["limits"])
    for scenario in found["scenarios"]:
        yield ""
        yield f"Scenario {scenario['id']}: {_verdict(scenario)}"


def _verdict(found: Mapping[str, Any]) -> str:
    words = STATUS_WORDS[found["status"]]
    if found["objective"] is None:
        bound = "" if found["bound"] is None else f", bound {_number(found['bound'])}"
        return f"{found['status']} ({words}){bound}"
    text = f"{found['status']} ({words}): objective {_number(found['objective'])}"
    if found["status"] != "optimal":
        text += f", bound {_number(found['bound'])}, gap {found['gap']:.3%}"
    return text


def _limits(limits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what holds the plan back, dearest first."""
    if not limits:
        return
    yield ""
    yield "What holds the plan back (change of the objective by one more unit; of a minimum, by one less):"
    for one in limits[:MOST_LIMITS]:
        at = f"{one['code']} in {one['period']}, {one['kind'].replace('_', ' ')} {_number(one['limit'])}"
        yield f"  {at}: {_number(one['value'])}"
    if len(limits) > MOST_LIMITS:
        yield f"  and {len(limits) - MOST_LIMITS} more (--json names all)"


def _conflicts(found: Mapping[str, Any]) -> Iterator[str]:
    if found["conflicts"]:
        yield ""
        yield "These requirements cannot hold together; without any one of them the others can:"
    for conflict in found["conflicts"]:
        yield f"  {conflict['text']}"
    if found["relaxation"]:
        yield ""
        yield "The least that would have to give way:"
        for part in found["relaxation"]:
            when = f" in {part['period']}" if part["period"] is not None else ""
            yield f"  {part['requirement']}{when} by {_number(part['amount'])}"
    if found["relaxed_objective"] is not None:
        yield f"  and then the best objective is {_number(found['relaxed_objective'])}"


def _exploded(found: Mapping[str, Any], periods: Sequence[str]) -> Iterator[str]:
    yield "Explosion of requirements, level by level (no optimisation, no capacity)"
    for name, item in found["items"].items():
        rows = {word.replace("_", " "): item[word] for word in item if word != "past_due"}
        yield from _table(str(name), rows, periods, zeros=True)
        if item["past_due"]:
            yield f"  {_number(item['past_due'])} of the first release should have been released earlier"


def _table(
    title: str, rows: Mapping[str, Sequence[float]], periods: Sequence[str], *, zeros: bool = False
) -> Iterator[str]:
    """Rows of numbers by period in columns, in blocks of PER_BLOCK periods; rows of zeros are left out."""
    shown = {name: row for name, row in rows.items() if zeros or any(_number(value) != "0" for value in row)}
    for first in range(0, len(periods) if shown else 0, PER_BLOCK):
        block = slice(first, first + PER_BLOCK)
        cells = [[title, *periods[block]]]
        cells += [[name, *(_number(value) for value in row[block])] for name, row in shown.items()]
        widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
        yield ""
        for name, *values in cells:
            numbers = (value.rjust(width) for value, width in zip(values, widths[1:], strict=True))
            yield "  ".join((name.ljust(widths[0]), *numbers))


def _number(value: float) -> str:
    """Round to DIGITS decimals, with thousands apart and no zeros at the end; never "-0"."""
    text = f"{round(value, DIGITS) + 0.0:,.{DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
