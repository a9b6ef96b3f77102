"""The printed SDL of the three graphs: reviewed files beside the code, checked for drift.

`python -m schema.sdl --check` fails when a file is not what the code says; `--write` renews the files.
"""

import argparse
import difflib
import importlib
import sys
from pathlib import Path

import strawberry

GRAPHS = ("internal", "supplier", "customer")
HEADER = "# Printed from the code by `python -m schema.sdl --write`; a test fails when the two differ.\n\n"


def graph(audience: str) -> strawberry.Schema:
    """Return the schema of an audience: `SCHEMA` of `schema/<audience>/graph.py`."""
    schema = importlib.import_module(f"schema.{audience}.graph").SCHEMA
    if not isinstance(schema, strawberry.Schema):
        raise TypeError(f"schema.{audience}.graph.SCHEMA is no Strawberry schema")
    return schema


def sdl_path(audience: str) -> Path:
    """Return the file that holds the printed SDL of an audience."""
    return Path(__file__).parent / audience / f"{audience}.graphql"


def printed(audience: str) -> str:
    """Return the SDL as the code has it now."""
    return f"{HEADER}{graph(audience).as_str().strip()}\n"


def drift(audience: str) -> str:
    """Return the difference between file and code as a unified diff; empty when they agree."""
    path = sdl_path(audience)
    filed = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        filed.splitlines(keepends=True), printed(audience).splitlines(keepends=True), path.name, "code"
    )
    return "".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Check or write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m schema.sdl", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail when a file differs from the code")
    action.add_argument("--write", action="store_true", help="write the files anew")
    parser.add_argument(
        "audiences", nargs="*", default=list(GRAPHS), metavar="graph", help="graphs; all if none"
    )
    options = parser.parse_args(arguments)
    if options.write:
        for audience in options.audiences:
            sdl_path(audience).write_text(printed(audience), encoding="utf-8")
        return 0
    differences = [difference for audience in options.audiences if (difference := drift(audience))]
    sys.stdout.write("".join(differences))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
