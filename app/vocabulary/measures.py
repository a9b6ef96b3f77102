"""Measures: the named quantities of a plan, read from `measures.csv`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

DIMENSIONS = ("item", "family", "site", "to_site", "supplier", "customer", "resource")


@dataclass(frozen=True, slots=True)
class Measure:
    """A named quantity over some of the dimensions and the calendar's buckets.

    `time_rule` says how buckets aggregate: sum, last, weighted, recompute (a quotient).
    `kind` says where values come from: actual, input, derived, solver.
    `owner` lists the roles that own it, separated by blanks. Values are negative only where `signed`.
    """

    name: str
    unit: str
    grain: tuple[str, ...]
    time_rule: str
    kind: str
    owner: str
    signed: bool
    doc: str


def _load() -> Mapping[str, Measure]:
    text = (files("app.vocabulary") / "measures.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType(
        {
            row["measure"]: Measure(
                name=row["measure"],
                unit=row["unit"],
                grain=tuple(row["grain"].split()),
                time_rule=row["time_rule"],
                kind=row["kind"],
                owner=row["owner"],
                signed=row["signed"] == "yes",
                doc=row["doc"],
            )
            for row in rows
        }
    )


MEASURES: Mapping[str, Measure] = _load()
