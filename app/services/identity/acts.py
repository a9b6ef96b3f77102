"""What the built-in issuer does, act by act: each method is one transaction, whatever else belongs to it.

The issuer itself (`app.auth.issuer`) decides; here it is put on record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.access import IDENTITY
from app.auth.issuer import ACCOUNT_SUBJECT, CLIENT_SUBJECT, Account, Client, Family, Grant, Revoked, Session
from app.store import accounts, attempts, clients, token_families
from app.store.attempts import CLIENT, Place, login_places
from app.store.audit import Event, Value, Who, bookkeeping, network, record
from app.store.database import Database, Transaction
from app.store.refusals import Refusals

_log = logging.getLogger(__name__)


class StoredRegistry:
    """The registry of `app.auth.issuer`, in the database."""

    def __init__(
        self,
        database: Callable[[], Database],
        refusals: Refusals,
        builtin: Mapping[str, Client] = MappingProxyType({}),
    ) -> None:
        """Take what returns the open database, what keeps refusals, and clients that need no registration."""
        self._database = database
        self._refusals = refusals
        self._builtin = builtin

    # --- clients ---------------------------------------------------------------------------------------

    async def find_client(self, client_id: str) -> Client | None:
        """Return a client that was not revoked."""
        if client_id in self._builtin:
            return self._builtin[client_id]
        async with self._database().read(IDENTITY) as tx:
            return await clients.find_client(tx, client_id)

    async def locked(self, client_id: str, address: str) -> bool:
        """Say whether an address has failed too often to be listened to now."""
        async with self._database().read(IDENTITY) as tx:
            return bool(await attempts.seconds_to_wait(tx, Place(CLIENT, client_id, address)))

    async def note_attempt(self, client_id: str, address: str, *, succeeded: bool) -> None:
        """Count a failed proof of a known client; a good one takes the count back."""
        place = Place(CLIENT, client_id, address)
        async with self._database().write(IDENTITY) as tx:
            if succeeded:
                bookkeeping(tx, "attempts counted")
                await attempts.forget_failures(tx, place)
                return
            await attempts.count_failure(tx, place)
            await record(tx, Event("refusal", "client.refused", client_id, who=Who(origin=network(address))))

    async def issue_to_client(self, client_id: str, address: str) -> None:
        """Put on record that a machine is given an access token."""
        who = Who(subject=f"{CLIENT_SUBJECT}{client_id}", origin=network(address))
        async with self._database().write(IDENTITY) as tx:
            await record(tx, Event("login", "token.issue", client_id, who=who))

    async def use_assertion(self, client_id: str, token_id: str, expires_at: int) -> bool:
        """Remember an assertion until it expires; False if it was used before."""
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "attempts counted")
            return await clients.use_assertion(tx, client_id, token_id, expires_at)

    async def revoke_token(self, token_id: str, expires_at: int, *, by: str) -> None:
        """End an access token before its time."""
        async with self._database().write(IDENTITY) as tx:
            await clients.revoke_token(tx, token_id, expires_at, by=by)
            await record(tx, Event("grant", "token.revoke", token_id, who=Who(subject=by)))

    async def revoked(self) -> Revoked:
        """Return what was revoked and may not have expired yet."""
        async with self._database().read(IDENTITY) as tx:
            return await clients.find_revoked(tx)

    async def wait(self, address: str, per_minute: int) -> int:
        """Count a request; return 0 if it may go on, else the seconds to wait."""
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "attempts counted")
            return await attempts.spend_request(tx, address, per_minute)

    # --- people ----------------------------------------------------------------------------------------

    async def find_account(self, name: str) -> Account | None:
        """Return an account that is not disabled."""
        async with self._database().read(IDENTITY) as tx:
            return await accounts.find_account(tx, name)

    async def may_try(self, name: str, address: str) -> int:
        """Count an attempt to log in; return 0 if it may go on, else the seconds to wait.

        It counts as a failure until `log_in` takes it back, so that attempts made at once count as well.
        """
        places = login_places(name, address)
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "attempts counted")
            waits = [await attempts.seconds_to_wait(tx, place) for place in places]
            if not any(waits):
                for place in places:
                    await attempts.count_failure(tx, place)
        return max(waits)

    async def log_in(self, name: str, address: str, session_id: str, cookie_hash: str, seconds: int) -> None:
        """Start a session after a good password, or renew it, and take the counts of its attempt back."""
        own, anywhere, from_here = login_places(name, address)
        async with self._database().write(IDENTITY) as tx:
            await attempts.forget_failures(tx, own)
            await attempts.forget_failures(tx, anywhere)
            await attempts.take_back(tx, from_here)
            await accounts.add_session(tx, name, session_id, cookie_hash, seconds)
            who = Who(subject=f"{ACCOUNT_SUBJECT}{name}", origin=network(address))
            await record(tx, Event("login", "login", session_id, who=who))

    async def refuse_login(self, account: Account | None, address: str, reason: str) -> None:
        """Put on record that somebody did not get in, and as whom; `may_try` has counted it.

        A name that is nobody's is not kept: people type their passwords there. The answer does not wait for
        the record, which takes longer for some than for others and would tell which names exist.
        """
        subject = None if account is None else account.subject
        _log.info("login refused: %s from %s: %s", subject or "nobody", network(address), reason)
        self._refusals.note_beside("login.refused", None, Who(subject=subject, origin=network(address)))

    async def find_session(self, cookie_hash: str) -> Session | None:
        """Return the session of a cookie, if it lives and its account is not disabled."""
        async with self._database().read(IDENTITY) as tx:
            return await accounts.find_session(tx, cookie_hash)

    async def log_out(self, session_id: str, *, by: str) -> None:
        """End a session, and every family of tokens that it granted."""
        async with self._database().write(IDENTITY) as tx:
            if await accounts.end_session(tx, session_id):
                await token_families.end_families_of(tx, by=by, session_id=session_id)
            await record(tx, Event("login", "logout", session_id, who=Who(subject=by)))

    # --- what they grant -------------------------------------------------------------------------------

    async def grant(self, grant: Grant, code_hash: str, code_seconds: int, family_seconds: int) -> None:
        """Keep what a person granted, and its code."""
        async with self._database().write(IDENTITY) as tx:
            await token_families.add_grant(tx, grant, code_hash, code_seconds, family_seconds)
            who = Who(subject=f"{ACCOUNT_SUBJECT}{grant.account}")
            detail: dict[str, Value] = {"session": grant.session_id, "family": grant.family}
            await record(tx, Event("grant", "login.grant", grant.client_id, detail=detail, who=who))

    async def redeem(self, code_hash: str, client_id: str) -> Grant | None:
        """Take a code for good and return its grant; a code taken before ends its family."""
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "code taken")
            grant = await token_families.take_code(tx, code_hash, client_id)
            if grant is None:
                family = await token_families.family_of_taken_code(tx, code_hash)
                if family is not None:
                    await self._end_replayed(tx, family, client_id)
        return grant

    async def start_family(self, family: str, refresh_hash: str | None) -> Family | None:
        """Begin to issue tokens; None where the family or its account has ended."""
        async with self._database().write(IDENTITY) as tx:
            found = await token_families.find_family(tx, family, lock=True)
            if found is None:
                return None
            if refresh_hash is not None:
                await token_families.add_refresh_token(tx, family, refresh_hash)
            await self._issued(tx, "token.issue", found)
        return found

    async def find_refresh_token(self, token_hash: str, client_id: str) -> Family | None:
        """Return the living family of a refresh token; a token used before ends its family.

        Another client's token is as unknown as one that never was, and nothing happens to it.
        """
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "code taken")
            state = await token_families.refresh_token_state(tx, token_hash)
            if state is None or state[1] != client_id:
                return None
            family, _, used = state
            if used:
                await self._end_replayed(tx, family, client_id)
                return None
            return await token_families.find_family(tx, family)

    async def rotate(self, old_hash: str, new_hash: str) -> Family | None:
        """Put a refresh token in place of one, which must not have been used; else its family ends."""
        async with self._database().write(IDENTITY) as tx:
            bookkeeping(tx, "code taken")
            state = await token_families.refresh_token_state(tx, old_hash)
            if state is None:
                return None
            family, client_id, _ = state
            if not await token_families.take_refresh_token(tx, old_hash):
                await self._end_replayed(tx, family, client_id)
                return None
            found = await token_families.find_family(tx, family, lock=True)
            if found is not None:
                await token_families.add_refresh_token(tx, family, new_hash)
                await self._issued(tx, "token.refresh", found)
        return found

    async def find_family(self, family: str) -> Family | None:
        """Return a family that lives."""
        async with self._database().read(IDENTITY) as tx:
            return await token_families.find_family(tx, family)

    async def end_family(self, family: str, *, by: str) -> None:
        """End all tokens of a family."""
        async with self._database().write(IDENTITY) as tx:
            await token_families.end_family(tx, family, by=by)
            await record(tx, Event("grant", "token.revoke", family, who=Who(subject=by)))

    async def _issued(self, tx: Transaction, act: str, family: Family) -> None:
        """Put on record that an application was given tokens for a person."""
        detail: dict[str, Value] = {"client": family.client_id}
        who = Who(subject=family.account.subject)
        await record(tx, Event("grant", act, family.family, detail=detail, who=who))

    async def _end_replayed(self, tx: Transaction, family: str, client_id: str) -> None:
        """End a family of which somebody holds a copy."""
        if await token_families.end_family(tx, family, by=token_families.REPLAYED):
            detail: dict[str, Value] = {"client": client_id}
            await record(tx, Event("refusal", "token.replayed", family, detail=detail))
            _log.warning("a code or refresh token of %s came a second time: its tokens have ended", client_id)
