"""Which column of the program holds which decision, and which row which requirement."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.arrays import IntArray
from app.engine.problem import Kind

KIND_ELEMENT = {
    Kind.MAKE: "production",
    Kind.PURCHASE: "purchase",
    Kind.TRANSFER: "freight",
    Kind.SUBCONTRACT: "subcontract",
}
"""Element of rule 36 that the cost of an activity falls under."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which column of the program holds which decision; ABSENT where the decision is always zero."""

    level: IntArray  # [a, T]
    stock: IntArray  # [n, T]
    deliver: IntArray  # [d, T]
    short: IntArray  # [d, T]
    backlog: IntArray  # [d, T]
    regular: IntArray  # [r, T]
    overtime: IntArray  # [r, T]
    below_target: IntArray  # [n, T]
    below_final: IntArray  # [n]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which row of the program holds which requirement; ABSENT where there is none."""

    balance: IntArray  # [n, T]
    demand: IntArray  # [d, T]
    window: IntArray  # [d, T]
    capacity: IntArray  # [r, T]
    target: IntArray  # [n, T]
    final: IntArray  # [n]
    floor: IntArray  # [d]
    smoothing: IntArray  # [a, T]
