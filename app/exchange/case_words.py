"""What a case's requirements and limits are called in a planner's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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

GIVES_WAY: Mapping[str, str] = {
    "demand": "cannot all be met; {0:,.6g} too much",
    "floor": "cannot reach its floor; {0:,.6g} too little",
    "minimum": "must be at least its minimum; {0:,.6g} too much",
    "stock_maximum": "exceeds the most that may be in stock by {0:,.6g}",
    "target": "falls short of the least that must be in stock by {0:,.6g}",
    "final": "falls short of the stock wanted at the end by {0:,.6g}",
    "activity_upper": "is used up",
    "regular": "is used up",
    "overtime": "is used up",
}


def named(code: str, kind: str) -> str:
    """Say which requirement or limit a code of the problem stands for."""
    head, _, rest = code.partition(":")
    if head in NAMES and rest:
        parts = [*rest.split(":"), ""]
        return NAMES[head].format(parts[0], parts[1])
    return f"the stock of {code}" if kind in {"stock_maximum", "target", "final"} else code


def conflict_words(conflict: Conflict, periods: Sequence[str]) -> dict[str, Any]:
    """One conflicting requirement as an object: what, when, by how much it must give way, and a sentence."""
    what = named(conflict.code, conflict.kind)
    when = None if conflict.bucket is None else periods[conflict.bucket]
    sentence = GIVES_WAY[conflict.kind].format(conflict.amount)
    place = "" if when is None else f" in {when}"
    return {
        "requirement": what,
        "period": when,
        "amount": conflict.amount,
        "text": f"{what[:1].upper()}{what[1:]}{place} {sentence}.",
    }
