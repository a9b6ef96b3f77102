"""Notes: what planning found missing or assumed, in a planner's words; kept with the plan."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One assumption or gap: a stable code, what it is about (codes joined by "|") and a sentence."""

    code: str
    subject: str
    text: str


@dataclass(slots=True)
class Notes:
    """Collects notes, each once."""

    _seen: dict[tuple[str, str], Note] = field(default_factory=dict)

    def add(self, code: str, subject: str, text: str) -> None:
        """Keep a note unless one of this code and subject is there already."""
        self._seen.setdefault((code, subject), Note(code, subject, text))

    def all(self) -> tuple[Note, ...]:
        """Return the notes in order of code and subject."""
        return tuple(sorted(self._seen.values()))
