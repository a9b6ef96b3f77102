"""What a command says: readable text, or with --json one object; progress and failures on standard error."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ParamSpec, TypeVar

import orjson
import typer
from rich.console import Console

from app.errors import ConcordError

P = ParamSpec("P")
R = TypeVar("R")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

_stdout = Console(highlight=False, soft_wrap=True, emoji=False)
_stderr = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(text: str = "") -> None:
    """Print one line of the answer as it stands (no markup is read in it)."""
    _stdout.print(text, markup=False)


def show(renderable: Any) -> None:
    """Print a table or other rich renderable as part of the answer."""
    _stdout.print(renderable)


def progress(text: str) -> None:
    """Tell on standard error what long work is doing now."""
    _stderr.print(f"… {text}", markup=False, style="dim")


def answer(data: Mapping[str, object], *, json: bool, text: Callable[[], None]) -> None:
    """Print `data` as one JSON object when `json` is asked for, else let `text` print it for people."""
    if json:
        options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
        sys.stdout.write(orjson.dumps(data, default=str, option=options).decode() + "\n")
        sys.stdout.flush()
    else:
        text()


def fail(error: ConcordError, *, json: bool) -> typer.Exit:
    """Report `error` in one line (or as JSON on standard output) and return the exit to raise: status 1."""
    if json:
        payload = {"error": {"code": error.code, "message": error.message, "details": error.details}}
        sys.stdout.write(orjson.dumps(payload, default=str).decode() + "\n")
    _stderr.print(f"concord: {error.code}: {error.message}", markup=False, style="red")
    return typer.Exit(1)


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors Concord raises on purpose into one line and exit status 1; Ctrl-C into status 130."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except ConcordError as error:
            raise fail(error, json=bool(kwargs.get("json", False))) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # The reader of a pipe has gone; nothing is left to say, not even by the interpreter's own flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(141) from None

    return wrapped
