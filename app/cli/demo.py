"""`demo`: a planning round of the demonstration company, from an empty database to a plan that is served."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.access import HOST
from app.auth import issue_token
from app.checker import Report
from app.cli.output import Json, answer, command, progress, say
from app.cli.planning import check_state, reconcile_now, version_name
from app.cli.serve import refuse_taken, run_server
from app.cli.session import opened, operator
from app.config import Settings, load_settings
from app.errors import Conflict, ImportRefused, PlanRefuted
from app.services.identity.accounts import lend_account
from app.services.importing import import_directory
from app.services.publish import publish
from app.services.reconcile import DEFAULT_RULE
from app.services.summary import PlanSummary, summarise
from app.store.branches import MAIN, At, Commit, branches, commits
from app.store.database import Database
from app.store.listings import latest_version_of, version_page
from app.store.migrate import migrate

AUTHOR = "demo"
COMPANY = "company"
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""What a password is made of: nothing that looks like something else."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody to be in the demonstration: a name to log in with, a role of a party, a first question."""

    who: str
    user: str
    audience: str
    role: str
    party: str
    query: str


def seats() -> Sequence[Seat]:
    """Return the seats of the demonstration, from app/demo/seats.toml."""
    rows = tomllib.loads((files("app.demo") / "seats.toml").read_text(encoding="utf-8"))["seat"]
    return [Seat(**row) for row in rows]


@command
def demo(
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the graphs after the summary, or end there.")
    ] = True,
    host: Annotated[str | None, typer.Option(help="Address to listen on (CONCORD_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (CONCORD_PORT).")
    ] = None,
    json: Json = False,
) -> None:
    """Plan the demonstration company, summarise the plan, print who can log in and tokens, and serve it.

    Example: python -m app demo --no-serve
    """
    settings = load_settings()
    host = host if host is not None else settings.host
    port = port if port is not None else settings.port
    if serve:
        refuse_taken(host, port)
    plan, summary, report = asyncio.run(_prepare(settings))
    url = f"http://{host}:{port}/graphql"
    password = new_password()
    people = asyncio.run(_lend(settings, password)) if serve or json else []
    tokens = {seat: issue_token(settings, seat.audience, seat.role, seat.party) for seat in seats()}
    data = {
        "commit": plan.id,
        "summary": summary.data(),
        "checked": dict(report.checked),
        "tokens": {seat.who: token for seat, token in tokens.items()},
        "users": people,
        "password": password,
        "url": url,
    }
    answer(data, json=json, text=lambda: _tell(summary, report))
    if not serve:
        return
    if not json:
        _tell_people(people, password)
        _tell_seats(tokens, url)
    run_server(settings, host=host, port=port, workers=settings.workers, plan_worker=True)


def new_password() -> str:
    """Return a password that can be read aloud: 80 random bits in four groups."""
    letters = "".join(secrets.choice(READABLE) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


async def _lend(settings: Settings, password: str) -> list[str]:
    """Let everybody in the demonstration log in with one password of this start; return their names."""
    async with opened(settings) as database:
        return [
            seat.user
            for seat in seats()
            if await lend_account(
                database,
                seat.user,
                password,
                audience=seat.audience,
                role=seat.role,
                party=seat.party,
                by=AUTHOR,
            )
        ]


async def _prepare(settings: Settings) -> tuple[Commit, PlanSummary, Report]:
    """Bring the demonstration to a published and checked plan; what is there already is not done again."""
    progress("starting the database")
    async with opened(settings, current=False) as database:
        await migrate(database, by=operator().settings)
        await _load(database)
        plan = await reconcile_now(database, MAIN, DEFAULT_RULE)
        await _publish_once(database, plan)
        progress("checking the plan independently")
        at = At(commit=plan.id)
        report = await check_state(database, at)
        if not report.ok:
            say(report.text())
            raise PlanRefuted(count=len(report.violations))
        return plan, await summarise(database, HOST, at), report


async def _load(database: Database) -> None:
    """Import the company into an empty database; raises Conflict where another company lives there."""
    async with database.read(HOST) as tx:
        started = any(branch.name == MAIN for branch in await branches(tx))
        known = await commits(tx) if started else []
    imports = [commit for commit in known if commit.reason == "import"]
    if any(commit.author == AUTHOR for commit in imports):
        return
    if imports:
        raise Conflict(reason="this database holds another company; set CONCORD_HOME to an empty directory")
    progress("loading the demonstration company")
    with as_file(files("app.demo") / COMPANY) as directory:
        imported = await import_directory(database, Path(directory), author=AUTHOR, scope=operator())
    errors = [finding for finding in imported.reading.findings if finding.severity == "error"]
    if errors:
        raise ImportRefused(errors=len(errors), first=str(errors[0]))


async def _publish_once(database: Database, plan: Commit) -> None:
    """Publish the plan as final unless it was; a second one in the same month gets a number."""
    async with database.read(HOST) as tx:
        if await latest_version_of(tx, plan.id, hashes=False) is not None:
            return
        taken = {version.name for version in await version_page(tx, first=1000, hashes=False)}
    usual = version_name(plan, "final")
    names = (usual, *(f"{usual} {number}" for number in range(2, len(taken) + 3)))
    name = next(name for name in names if name not in taken)
    progress(f"publishing “{name}”: sealing it and releasing to each party what it may see")
    await publish(database, operator(), At(commit=plan.id), kind="final", name=name)


def _tell(summary: PlanSummary, report: Report) -> None:
    say(summary.text())
    say()
    count = sum(report.checked.values())
    say(f"Checked independently of the engine: {count:,} figures by {len(report.checked)} rules, all hold.")


def _tell_people(people: Sequence[str], password: str) -> None:
    say()
    say(f"Log in as one of {', '.join(people)}, with the password of this start: {password}")


def _tell_seats(tokens: Mapping[Seat, str], url: str) -> None:
    say()
    say(f"Open {url} in a browser and paste a token, or ask with curl:")
    for seat, token in tokens.items():
        body = orjson.dumps({"query": seat.query}).decode()
        parts = ["curl", "-s", url, "-H", "Content-Type: application/json"]
        parts += ["-H", f"Authorization: Bearer {token}", "-d", body]
        say()
        say(f"# {seat.who} ({seat.role} of {seat.party})")
        say(shlex.join(parts))
    say()
    say("Ctrl-C ends the server, the worker and the database.")
    say()
