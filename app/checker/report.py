"""What the checker found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

ABSOLUTE = 1e-5
RELATIVE = 1e-6
MONEY = 0.01
_SHOWN_PER_RULE = 20


def close(first: float, second: float, absolute: float = ABSOLUTE) -> bool:
    """Return whether two figures agree; exported figures are rounded to nine digits after the point."""
    return abs(first - second) <= absolute + RELATIVE * max(abs(first), abs(second))


def at_most(value: float, limit: float) -> bool:
    """Return whether a figure keeps to its limit, within the same tolerance."""
    return value <= limit or close(value, limit)


@dataclass(frozen=True, slots=True)
class Violation:
    """One figure of the plan that breaks a rule; `place` is a site, a lane, or a resource."""

    rule: str
    item: str
    place: str
    bucket: str
    expected: str
    found: str

    def __str__(self) -> str:
        where = " ".join(part for part in (self.item, self.place, self.bucket) if part)
        return f"{self.rule}: {where}: expected {self.expected}, found {self.found}"


@dataclass
class Report:
    """All violations, and how many figures each rule was checked on."""

    violations: list[Violation] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, and something was checked at all."""
        return not self.violations and bool(self.checked)

    def counts(self) -> dict[str, int]:
        """Return the number of violations of each rule."""
        return dict(sorted(Counter(violation.rule for violation in self.violations).items()))

    def require(
        self, rule: str, holds: bool, where: tuple[str, str, str], expected: object, found: object
    ) -> None:
        """Count one check of a rule and note what breaks it; `where` is item, place, bucket."""
        self.checked[rule] += 1
        if not holds:
            self.violations.append(Violation(rule, *where, _text(expected), _text(found)))

    def text(self) -> str:
        """Return the report for people: each rule with what it was checked on, then what breaks it."""
        broken = self.counts()
        width = max(map(len, self.checked), default=0)
        lines = [
            f"{rule:<{width}}  {count:>8} checked  {broken.get(rule, 0):>6} wrong"
            for rule, count in sorted(self.checked.items())
        ]
        for rule in broken:
            found = [violation for violation in self.violations if violation.rule == rule]
            lines += ["", *map(str, found[:_SHOWN_PER_RULE])]
            if len(found) > _SHOWN_PER_RULE:
                lines.append(f"{rule}: {len(found) - _SHOWN_PER_RULE} more")
        lines += [f"note: {note}" for note in self.notes]
        verdict = (
            "The plan holds." if self.ok else f"The plan does not hold: {len(self.violations)} violations."
        )
        return "\n".join([*lines, "", verdict])


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
