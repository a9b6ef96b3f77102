"""Planning parameters: the company's planning rules by name, with type and default from `parameters.toml`."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from math import isfinite
from types import MappingProxyType

ParameterValue = date | int | float | str | bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """A planning rule: type, default (None where the data set must say it), unit and meaning."""

    name: str
    type: str
    required: bool
    default: ParameterValue | None
    unit: str | None
    values: tuple[str, ...]
    least: float | None
    doc: str


class Parameters(Mapping[str, ParameterValue]):
    """Typed planning parameters of one data set, defaults filled in; typed getters refuse a wrong type."""

    def __init__(self, stated: Mapping[str, ParameterValue]) -> None:
        """Keep the `stated` values over the defaults of PARAMETERS."""
        defaults = {name: p.default for name, p in PARAMETERS.items() if p.default is not None}
        self._values: dict[str, ParameterValue] = {**defaults, **stated}

    @classmethod
    def of_texts(cls, texts: Mapping[str, str]) -> "Parameters":
        """Parse every text; raises ValueError that names the first parameter refused or missing.

        Names that are not known are left out: a plan database keeps what an earlier program knew. Where data
        come in, `parse_parameter` refuses them.
        """
        stated = {name: parse_parameter(name, text) for name, text in texts.items() if find_parameter(name)}
        missing = [name for name, p in PARAMETERS.items() if p.required and name not in stated]
        if missing:
            raise ValueError(f"planning parameters missing: {', '.join(missing)}")
        return cls(stated)

    def __getitem__(self, name: str) -> ParameterValue:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def number(self, name: str) -> float:
        """Return a numeric parameter as float."""
        value = self[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} is not a number")
        return float(value)

    def integer(self, name: str) -> int:
        """Return a whole-number parameter."""
        value = self[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} is not an integer")
        return value

    def text(self, name: str) -> str:
        """Return a code."""
        return str(self[name])

    def date(self, name: str) -> date:
        """Return a date."""
        value = self[name]
        if not isinstance(value, date):
            raise TypeError(f"{name} is not a date")
        return value

    def weights(self) -> dict[str, float]:
        """Return the weight of every demand stream by its measure."""
        prefix = "stream_weight."
        return {name.removeprefix(prefix): self.number(name) for name in self if name.startswith(prefix)}

    def rates(self) -> dict[str, float]:
        """Return the value of one unit of each known currency in the company's, itself included (1)."""
        known = {name.removeprefix("rate."): self.number(name) for name in self if name.startswith("rate.")}
        return {**known, self.text("currency"): 1.0}


def find_parameter(name: str) -> Parameter | None:
    """Return the definition of a parameter, by its name or by its group (`rate.*`); None if unknown."""
    group = f"{name.partition('.')[0]}.*" if "." in name else name
    return PARAMETERS.get(name) or _GROUPS.get(group)


def parse_parameter(name: str, text: str) -> ParameterValue:
    """Turn the text of a planning parameter into its typed value.

    Raises ValueError, saying what was expected, for an unknown name or a value that does not fit.
    """
    definition = find_parameter(name)
    if definition is None:
        raise ValueError(f"{name}: no such planning parameter")
    try:
        value = _PARSERS[definition.type](text.strip())
    except ValueError:
        raise ValueError(f"{name}: expected {definition.type}, found {text!r}") from None
    if definition.values and value not in definition.values:
        raise ValueError(f"{name}: expected one of {', '.join(definition.values)}, found {text!r}")
    if definition.least is not None and isinstance(value, int | float) and value < definition.least:
        raise ValueError(f"{name}: expected at least {definition.least:g}, found {text!r}")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    return (
        {"true": True, "false": False}[text.lower()] if text.lower() in {"true", "false"} else _refuse(text)
    )


def _code(text: str) -> str:
    return text or str(_refuse(text))


def _refuse(text: str) -> bool:
    raise ValueError(text)


_PARSERS: Mapping[str, Callable[[str], ParameterValue]] = {
    "date": date.fromisoformat,
    "integer": int,
    "number": _number,
    "code": _code,
    "boolean": _boolean,
}


def _load() -> dict[str, Parameter]:
    tables = tomllib.loads((files("app.vocabulary") / "parameters.toml").read_text(encoding="utf-8"))
    return {
        name: Parameter(
            name=name,
            type=table["type"],
            required=table.get("required", False),
            default=table.get("default"),
            unit=table.get("unit"),
            values=tuple(table.get("values", ())),
            least=table.get("least"),
            doc=table["doc"],
        )
        for name, table in tables.items()
    }


_ALL = _load()
_GROUPS = {name: parameter for name, parameter in _ALL.items() if name.endswith(".*")}
PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {name: parameter for name, parameter in _ALL.items() if name not in _GROUPS}
)
