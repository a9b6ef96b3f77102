"""The command line: `python -m app COMMAND`, also installed as `concord`.

- `output`    text, --json, progress, failures in one line
- `session`   the open database and shared options
- `demo`      the demonstration, from nothing to a served plan
- `serve`     serve, worker
- `data`      migrate, import, export
- `planning`  reconcile, publish, check-plan
- `explain`   explain
- `compare`   scenarios, frontier, attribute
- `verify`    verify
- `backup`    backup, restore
- `retention` retain
- `solve`     solve
- `tokens`    token
- `clients`   client
- `users`     user
- `keys`      key
- `secret_input`  passwords and passphrases
- `parties`   party
- `access`    access
- `audit`     audit
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from app.cli.access import access
from app.cli.audit import audit
from app.cli.backup import backup, restore
from app.cli.clients import client
from app.cli.compare import attribute, frontier, scenarios
from app.cli.data import export, import_, migrate
from app.cli.demo import demo
from app.cli.explain import explain
from app.cli.keys import key
from app.cli.parties import party
from app.cli.planning import check, publish, reconcile
from app.cli.retention import retain
from app.cli.serve import serve, worker
from app.cli.solve import solve
from app.cli.tokens import token
from app.cli.users import user
from app.cli.verify import verify

application = typer.Typer(
    name="concord",
    help="Concord: one reconciled plan from real data, each party its own view.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

COMMANDS: Mapping[str, Callable[..., None]] = {
    "demo": demo,
    "serve": serve,
    "worker": worker,
    "migrate": migrate,
    "import": import_,
    "export": export,
    "reconcile": reconcile,
    "publish": publish,
    "check-plan": check,
    "explain": explain,
    "scenarios": scenarios,
    "frontier": frontier,
    "attribute": attribute,
    "verify": verify,
    "backup": backup,
    "restore": restore,
    "retain": retain,
    "solve": solve,
    "token": token,
    "client": client,
    "user": user,
    "key": key,
    "party": party,
    "access": access,
    "audit": audit,
}

for _name, _function in COMMANDS.items():
    application.command(_name)(_function)


def main() -> None:
    """Run the command line."""
    application()
