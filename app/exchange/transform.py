"""Source rows to target rows, still as text: picks, renames, maps, filters and groups by a `TableSpec`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Protocol

from app.exchange.cells import CellError, parse_number
from app.exchange.findings import Code, FindingLog, Place
from app.exchange.source import Source
from app.exchange.spec import CellRule, Condition, TableSpec

Cells = Sequence[str]
Texts = Sequence[str | None]  # None: a cell that could not be made, noted already
Maker = Callable[[Cells], str]
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where target rows come from: the file, and what each target column is called there."""

    file: str
    names: Mapping[str, str]

    def column(self, target: str) -> str:
        """Return the source's name of a target column."""
        return self.names.get(target, target)


def source_columns(rule: CellRule) -> tuple[str, ...]:
    """Return the source columns that a rule reads."""
    if rule.ratio is not None:
        return rule.ratio
    if rule.template is not None:
        return tuple(PLACEHOLDER.findall(rule.template))
    return () if rule.column is None else (rule.column,)


def origin_of(spec: TableSpec, columns: Mapping[str, CellRule]) -> Origin:
    """Return the origin of a table's rows for its findings."""
    names = {target: "+".join(source_columns(rule)) or target for target, rule in columns.items()}
    return Origin(spec.file, names)


class Table(Protocol):
    """Target rows to be read: their columns, origin, and how many source rows were taken or left out."""

    targets: tuple[str, ...]
    origin: Origin
    taken: int
    left_out: int

    def rows(self) -> Iterator[tuple[int, Texts]]:
        """Yield (source line, texts in the order of `targets`)."""
        ...


class Constants:
    """The rows that a mapping states itself; their line is their number in the mapping's table."""

    def __init__(self, spec: TableSpec) -> None:
        self.targets = tuple(dict.fromkeys(name for row in spec.rows for name in row))
        self.origin = Origin(spec.file, {})
        self.taken = len(spec.rows)
        self.left_out = 0
        self._rows = spec.rows

    def rows(self) -> Iterator[tuple[int, Texts]]:
        """Yield (number of the row, its texts)."""
        for number, row in enumerate(self._rows, start=1):
            yield number, [row.get(name, "") for name in self.targets]


class Transform:
    """The compiled rules of one table over one source's header."""

    def __init__(
        self, spec: TableSpec, columns: Mapping[str, CellRule], source: Source, log: FindingLog
    ) -> None:
        self.targets = tuple(columns)
        self.left_out = 0
        self.taken = 0
        self._source, self._log = source, log
        # a series adds its cells up itself, bucket by bucket, so that its rows need no grouping
        self._rules = tuple(replace(rule, total=None) if spec.series else rule for rule in columns.values())
        self.origin = origin_of(spec, columns)
        self._grouped = not spec.series and (spec.distinct or any(_is_total(rule) for rule in self._rules))
        self._complete = self._check_columns(spec)
        if self._complete:
            position = {name: index for index, name in enumerate(source.header)}
            self._makers = [_maker(rule, position) for rule in self._rules]
            self._tests = [_test(condition, position[name]) for name, condition in spec.where.items()]
            self._position = position

    def rows(self) -> Iterator[tuple[int, Texts]]:
        """Yield (source line, texts in the order of `targets`); a group has the line of its first row."""
        if self._complete:
            yield from self._groups() if self._grouped else self._single()
        self._source.close()

    def _check_columns(self, spec: TableSpec) -> bool:
        wanted = [name for rule in self._rules for name in source_columns(rule)]
        missing = [name for name in dict.fromkeys([*wanted, *spec.where]) if name not in self._source.header]
        for name in missing:
            self._log.error(
                Code.MISSING_COLUMN,
                Place(spec.file, 1, name),
                ", ".join(self._source.header),
                f"a column {name}",
            )
        return not missing

    def _selected(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in self._source.rows():
            if all(test(cells) for test in self._tests):
                self.taken += 1
                yield line, cells
            else:
                self.left_out += 1

    def _single(self) -> Iterator[tuple[int, Texts]]:
        for line, cells in self._selected():
            yield line, self._texts(line, cells)

    def _texts(self, line: int, cells: Cells) -> Texts:
        texts: list[str | None] = []
        for target, maker in zip(self.targets, self._makers, strict=True):
            try:
                texts.append(maker(cells))
            except CellError as bad:
                name = self.origin.column(target)
                found = cells[self._position[name]] if name in self._position else ""
                texts.append(None)
                self._log.error(bad.code, Place(self.origin.file, line, name), found, bad.expected)
        return texts

    def _groups(self) -> Iterator[tuple[int, Texts]]:
        """Group the selected rows by every cell that is no total; keeps one entry per group in memory."""
        totals = [index for index, rule in enumerate(self._rules) if _is_total(rule)]
        firsts: dict[tuple[str | None, ...], int] = {}
        sums: dict[tuple[str | None, ...], list[_Total]] = {}
        for line, cells in self._selected():
            texts = self._texts(line, cells)
            numbers = self._numbers(line, cells, totals)
            if numbers is None:
                continue
            key = tuple("" if index in totals else text for index, text in enumerate(texts))
            firsts.setdefault(key, line)
            group = sums.setdefault(key, [_Total(self._rules[index]) for index in totals])
            for total, values in zip(group, numbers, strict=True):
                total.add(values)
        for key, line in firsts.items():
            texts = list(key)
            for index, total in zip(totals, sums[key], strict=True):
                texts[index] = total.text()
            yield line, texts

    def _numbers(self, line: int, cells: Cells, totals: Sequence[int]) -> list[list[float]] | None:
        numbers: list[list[float]] = []
        for index in totals:
            values = []
            for name in source_columns(self._rules[index]):
                text = cells[self._position[name]]
                try:
                    values.append(parse_number(text.strip()))
                except CellError as bad:
                    self._log.error(bad.code, Place(self.origin.file, line, name), text, bad.expected)
                    return None
            numbers.append(values)
        return numbers


class _Total:
    """A running total, greatest or least value, or the quotient of two totals."""

    def __init__(self, rule: CellRule) -> None:
        self._kind = rule.total or "sum"
        self._scale = 1.0 if rule.scale is None else rule.scale
        self._values: list[float] | None = None

    def add(self, values: list[float]) -> None:
        if self._values is None:
            self._values = values
        elif self._kind == "sum":
            self._values = [a + b for a, b in zip(self._values, values, strict=True)]
        else:
            pick = max if self._kind == "max" else min
            self._values = [pick(a, b) for a, b in zip(self._values, values, strict=True)]

    def text(self) -> str:
        """Return the result; empty for a quotient by zero."""
        values = self._values or [0.0]
        if len(values) == 1:
            return repr(values[0] * self._scale)
        return repr(values[0] / values[1] * self._scale) if values[1] else ""


def _is_total(rule: CellRule) -> bool:
    return rule.total is not None or rule.ratio is not None


def _maker(rule: CellRule, position: Mapping[str, int]) -> Maker:
    """Compile a rule into a function of the source cells; a plain column costs one index."""
    if rule.ratio is not None:
        return lambda cells: ""
    base = _base(rule, position)
    if rule.empty is None and rule.values is None and rule.date is None and rule.scale is None:
        return base
    return lambda cells: _refined(rule, base(cells))


def _base(rule: CellRule, position: Mapping[str, int]) -> Maker:
    if rule.column is not None:
        return itemgetter(position[rule.column])
    if rule.template is None:
        constant = rule.constant or ""
        return lambda cells: constant
    template = rule.template
    return lambda cells: PLACEHOLDER.sub(lambda match: cells[position[match[1]]].strip(), template)


def _refined(rule: CellRule, text: str) -> str:
    text = text.strip()
    if not text:
        text = rule.empty or ""
    if rule.values is not None:
        mapped = rule.values.get(text, rule.otherwise)
        if mapped is None:
            raise CellError(Code.UNMAPPED_VALUE, f"one of {', '.join(map(repr, rule.values))}")
        text = mapped
    if rule.date is not None and text:
        text = _iso(text, rule.date)
    if rule.scale is not None and text and not _is_total(rule):
        text = repr(parse_number(text) * rule.scale)
    return text


def _iso(text: str, form: str) -> str:
    try:
        return datetime.strptime(text, form).date().isoformat()
    except ValueError:
        raise CellError(Code.WRONG_TYPE, f"a date as {form}") from None


def _test(condition: Condition, index: int) -> Callable[[Cells], bool]:
    """Compile a condition on the source cell at `index`."""

    def holds(cells: Cells) -> bool:
        text = cells[index].strip()
        return (
            (condition.isin is None or text in condition.isin)
            and (condition.notin is None or text not in condition.notin)
            and (condition.starts_with is None or text.startswith(condition.starts_with))
            and (condition.first is None or text >= condition.first)
            and (condition.before is None or text < condition.before)
            and (condition.above is None or _above(text, condition.above))
            and (condition.empty is None or (not text) == condition.empty)
        )

    return holds


def _above(text: str, limit: float) -> bool:
    try:
        return parse_number(text) > limit
    except CellError:
        return True  # kept, so that the cell itself is reported
