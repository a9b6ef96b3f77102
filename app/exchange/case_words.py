"""What a case's requirements and limits are called in a planner's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.irreducible import Requirement
from app.engine.solution import Conflict

NAMES: Mapping[str, str] = {
    "back": "the demand for {0}",
    "commit": "the sales of {0} committed to {1}",
    "sell": "the sales of {0} to {1}",
    "make": "the quantity of {0} by {1}",
    "capacity": "the capacity of {0}",
    "extra": "the extra capacity of {0}",
    "hours": "the hours of {0}",
    "overtime": "the overtime of {0}",
    "worked": "the overtime worked",
}

SAID: Mapping[str, str] = {
    "demand": "must be met: {0}",
    "floor": "must be met to a share of {0}",
    "minimum": "must be at least {0}",
    "stock_maximum": "must not exceed {0}",
    "target": "must be at least {0}",
    "final": "must be at least {0} at the end",
    "activity_upper": "is at most {0}",
    "regular": "is at most {0}",
    "overtime": "is at most {0}",
}


def named(code: str, kind: str) -> str:
    """Say which requirement or limit a code of the problem stands for."""
    head, _, rest = code.partition(":")
    if head in NAMES and rest:
        parts = [*rest.split(":"), ""]
        return NAMES[head].format(parts[0], parts[1])
    return f"the stock of {code}" if kind in {"stock_maximum", "target", "final"} else code


def requirement_words(requirement: Requirement, periods: Sequence[str]) -> dict[str, Any]:
    """One of the conflicting requirements as an object: what, when, its figure, and a sentence."""
    what = named(requirement.code, requirement.kind)
    when = None if requirement.bucket is None else periods[requirement.bucket]
    place = "" if when is None else f" in {when}"
    said = SAID[requirement.kind].format(f"{requirement.value:,.6g}")
    text = f"{what[:1].upper()}{what[1:]}{place} {said}."
    return {"requirement": what, "period": when, "value": requirement.value, "text": text}


def conflict_words(conflict: Conflict, periods: Sequence[str]) -> dict[str, Any]:
    """One requirement that only lots keep from being met, as an object like that of `requirement_words`."""
    said = relaxation_words(conflict, periods)
    place = "" if said["period"] is None else f" in {said['period']}"
    what = str(said["requirement"])
    text = (
        f"{what[:1].upper()}{what[1:]}{place} cannot be met in the lots allowed, by {conflict.amount:,.6g}."
    )
    return {"requirement": what, "period": said["period"], "value": None, "text": text}


def relaxation_words(conflict: Conflict, periods: Sequence[str]) -> dict[str, Any]:
    """One requirement that gives way as an object: what, when, by how much."""
    when = None if conflict.bucket is None else periods[conflict.bucket]
    return {"requirement": named(conflict.code, conflict.kind), "period": when, "amount": conflict.amount}
