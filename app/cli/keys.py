"""`key`: the keys that the built-in issuer and `token` sign with."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.auth import SigningKeys, load_signing_keys, rotate_signing_keys
from app.auth.key_backup import back_up_keys, restore_keys
from app.cli.output import Json, answer, command, say
from app.cli.secret_input import ask_secret
from app.cli.session import note_if_kept, with_database
from app.config import Settings, load_settings
from app.errors import InputError
from app.store.audit import Event

KeyAction = Literal["list", "rotate", "backup", "restore"]


@command
def key(
    action: Annotated[KeyAction, typer.Argument(help="list, rotate, backup or restore.")],
    file: Annotated[
        Path | None, typer.Argument(help="File of the backup; an existing one is never replaced.")
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(help="Seconds that the replaced key goes on verifying (CONCORD_TOKEN_TTL_SECONDS)."),
    ] = None,
    json: Json = False,
) -> None:
    """List the local keys, let a new one sign from now on (running servers follow), back them up or restore.

    A backup is sealed by a passphrase, which is asked for, or read from standard input.

    Example: python -m app key rotate --overlap 3600
    """
    settings = load_settings()
    if action in ("backup", "restore"):
        done = _copied(settings, file, restore=action == "restore")
        data = {"file": str(file), "keys": done}
        answer(data, json=json, text=lambda: say(f"{action} of {', '.join(done)}: done."))
        return
    if action == "rotate":
        keys = rotate_signing_keys(settings, settings.token_ttl_seconds if overlap is None else overlap)
        rotated = Event("grant", "key.rotate", keys.kid)
        with_database(lambda database: note_if_kept(database, rotated), current=False)
    else:
        keys = load_signing_keys(settings)
    listed = [
        {"kid": kid, "signs": kid == keys.kid, "verify_until": _until(keys, kid)} for kid in keys.public
    ]
    answer({"keys": listed}, json=json, text=lambda: _tell_keys(keys))


def _copied(settings: Settings, file: Path | None, *, restore: bool) -> list[str]:
    """Back the keys up or restore them, and return their names; a backup goes on record."""
    if file is None:
        raise InputError(reason="which file? Give its name")
    passphrase = ask_secret("Passphrase", twice=not restore)
    if restore:
        return restore_keys(settings, file, passphrase)
    done = back_up_keys(settings, file, passphrase)
    made = Event("export", "key.backup", detail={"files": done})
    with_database(lambda database: note_if_kept(database, made), current=False)
    return done


def _until(keys: SigningKeys, kid: str) -> str | None:
    moment = keys.verify_until.get(kid)
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _tell_keys(keys: SigningKeys) -> None:
    for kid in keys.public:
        if kid == keys.kid:
            say(f"{kid}  signs")
        elif keys.verifying(kid, time.time()) is None:
            say(f"{kid}  has ended")
        else:
            say(f"{kid}  verifies until {_until(keys, kid) or 'it is rotated out'}")
