"""The generated part of docs/dataset.md: tables, measures, parameters and finding codes, from the vocabulary.

`python -m app.exchange.reference docs/dataset.md` renews it below the marker; a test holds them together.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from app.exchange.cells import describe
from app.exchange.findings import Code
from app.exchange.series import optional_dimensions
from app.vocabulary import ENTITIES, MEASURES, PARAMETERS, Column, Entity

MARKER = "<!-- generated from app/vocabulary and app/exchange/findings.py: do not edit below this line -->"


def reference() -> str:
    """Return the generated part as Markdown."""
    parts = [MARKER, "## Tables of reference data", *map(_entity, ENTITIES.values()), _measures()]
    return "\n\n".join([*parts, _parameters(), _codes()]) + "\n"


def updated(document: str) -> str:
    """Return the document with its generated part renewed; raises ValueError where the marker is missing."""
    head, marker, _ = document.partition(MARKER)
    if not marker:
        raise ValueError("the document has no marker for its generated part")
    return head + reference()


def _entity(entity: Entity) -> str:
    rows = (
        (f"`{c.name}`", c.type, _presence(entity, c), _domain(c), c.unit or "", c.doc)
        for c in entity.columns.values()
    )
    key = ", ".join(f"`{name}`" for name in entity.key)
    table = _table(("column", "type", "if empty", "values", "unit", "meaning"), rows)
    return f"### `{entity.kind}`\n\n{entity.doc} Key: {key}.\n\n{table}"


def _presence(entity: Entity, column: Column) -> str:
    if column.required:
        return "**required**"
    if column.default is None:
        return "none"
    return f"`{str(column.default).lower() if isinstance(column.default, bool) else column.default}`"


def _domain(column: Column) -> str:
    if column.references:
        return f"[{column.references}](#{column.references})"
    bounded = column.type in {"number", "integer"} or column.values
    return describe(column) if bounded else ""


def _measures() -> str:
    rows = []
    for measure in MEASURES.values():
        optional = optional_dimensions(measure)
        grain = ", ".join(
            f"`{name}`" + (" (may be empty)" if name in optional else "") for name in measure.grain
        )
        doc = measure.doc + ("; may be negative" if measure.signed else "")
        rows.append((f"`{measure.name}`", measure.unit, grain, measure.time_rule, measure.kind, doc))
    table = _table(("measure", "unit", "dimension columns", "time rule", "kind", "meaning"), rows)
    return f"## Measures\n\nOne file `series/<measure>.csv` each.\n\n{table}"


def _parameters() -> str:
    rows = []
    for p in PARAMETERS.values():
        default = "**required**" if p.required else f"`{p.default}`"
        rows.append((f"`{p.name}`", p.type, default, p.unit or "", p.doc))
    table = _table(("parameter", "type", "default", "unit", "meaning"), rows)
    return f"## Planning parameters\n\nRows of `planning_parameter`.\n\n{table}"


def _codes() -> str:
    rows = ((f"`{code.value}`", code.doc) for code in Code)
    return f"## Finding codes\n\n{_table(('code', 'meaning'), rows)}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([_line(header), _line(["---"] * len(header)), *_lines(rows)])


def _lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    return (_line([cell.replace("|", "\\|") for cell in row]) for row in rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(path: Path) -> None:
    """Renew the generated part of a document."""
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
