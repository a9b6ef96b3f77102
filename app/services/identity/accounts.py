"""People who log in at the built-in issuer: added, disabled, given another password, each by command."""

from __future__ import annotations

import re
from typing import Final

from app.access import IDENTITY
from app.auth import AUDIENCES, Principal, Rights
from app.auth.issuer import ACCOUNT_SUBJECT, LONGEST_PASSWORD, Account, hash_secret, normal_password
from app.errors import InputError, PartyRefused
from app.store import accounts, token_families
from app.store.accounts import AccountListed
from app.store.audit import Event, Value, Who, record
from app.store.database import Database, Transaction
from app.store.directory import bind

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,62}")
SHORTEST_PASSWORD: Final = 12


async def checked_rights(
    database: Database, subject: str, audience: str, role: str, party: str | None
) -> Rights:
    """Return what tokens of a subject may open; raises InputError for what the policies grant nobody."""
    known = next((each for each in AUDIENCES if each == audience), None)
    if known is None:
        raise InputError(reason=f"audience is {audience!r}, expected one of {', '.join(AUDIENCES)}")
    try:
        await bind(database, Principal(subject, known, party, role, 0, "", ""))
    except PartyRefused:
        whom = f"party {party}" if party else "the company as such"
        raise InputError(reason=f"{whom} has no role {role!r} as {audience}") from None
    return Rights(known, role, party)


async def add_account(
    database: Database,
    name: str,
    password: str,
    *,
    audience: str,
    role: str,
    party: str | None = None,
    by: str,
) -> Account:
    """Add a person who may log in from now on.

    Raises InputError for a name or password that will not do and for rights that nobody has, Conflict for a
    name that was ever given.
    """
    if not _NAME.fullmatch(name):
        raise InputError(reason="a user's name is lower-case letters, digits and . _ @ + -, at most 63")
    rights = await checked_rights(database, f"{ACCOUNT_SUBJECT}{name}", audience, role, party)
    account = Account(name, _hashed(name, password), rights)
    async with database.write(IDENTITY) as tx:
        await accounts.add_account(tx, account, by=by)
        detail: dict[str, Value] = {"audience": audience, "role": role, "party": party}
        await record(tx, Event("grant", "user.add", account.subject, detail=detail, who=operator(by)))
    return account


async def lend_account(
    database: Database,
    name: str,
    password: str,
    *,
    audience: str,
    role: str,
    party: str | None = None,
    by: str,
) -> bool:
    """Add a person, or give one that `by` added before another password; False where it is another's."""
    known = {one.name: one for one in await all_accounts(database)}
    if name not in known:
        await add_account(database, name, password, audience=audience, role=role, party=party, by=by)
    elif known[name].created_by == by and known[name].disabled_at is None:
        await change_password(database, name, password, by=by)
    else:
        return False
    return True


async def change_password(database: Database, name: str, password: str, *, by: str) -> None:
    """Give a person another password, and end what was begun with the old one; raises NotFound."""
    hashed = _hashed(name, password)
    async with database.write(IDENTITY) as tx:
        await accounts.set_password(tx, name, hashed)
        await _end_all(tx, name, by=by)
        await record(tx, Event("grant", "user.password", f"{ACCOUNT_SUBJECT}{name}", who=operator(by)))


async def disable_account(database: Database, name: str, *, by: str) -> None:
    """Let a person log in no more, and end all sessions and tokens; raises NotFound."""
    async with database.write(IDENTITY) as tx:
        await accounts.set_disabled(tx, name, disabled=True)
        await _end_all(tx, name, by=by)
        await record(tx, Event("grant", "user.disable", f"{ACCOUNT_SUBJECT}{name}", who=operator(by)))


async def enable_account(database: Database, name: str, *, by: str) -> None:
    """Let a disabled person log in again; raises NotFound."""
    async with database.write(IDENTITY) as tx:
        await accounts.set_disabled(tx, name, disabled=False)
        await record(tx, Event("grant", "user.enable", f"{ACCOUNT_SUBJECT}{name}", who=operator(by)))


async def all_accounts(database: Database) -> list[AccountListed]:
    """Return all accounts, disabled ones too, by name."""
    async with database.read(IDENTITY) as tx:
        return await accounts.list_accounts(tx)


def operator(name: str) -> Who:
    """Return who acts by command."""
    return Who(name, role="operator", audience="host", origin="command line")


async def _end_all(tx: Transaction, name: str, *, by: str) -> None:
    """End every session of a person, and every token that one of them granted."""
    await accounts.end_sessions_of(tx, name)
    await token_families.end_families_of(tx, by=by, account=name)


def _hashed(name: str, password: str) -> str:
    """Return the hash of an acceptable password; raises InputError."""
    normal = normal_password(password)
    if not SHORTEST_PASSWORD <= len(normal) <= LONGEST_PASSWORD:
        raise InputError(
            reason=f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, any of them"
        )
    if normal.casefold() == name or len(set(normal)) < 4:
        raise InputError(reason="this password is the first that anybody would try")
    return hash_secret(normal)
