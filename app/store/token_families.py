"""What people granted to applications: codes, refresh tokens, and the families of tokens they belong to.

Each code and each refresh token is taken by one UPDATE that only the first caller wins; whoever comes second
holds a copy, and so the whole family ends.
"""

from __future__ import annotations

from typing import Any, Final

from app.auth.issuer import Family, Grant
from app.store.accounts import account_of
from app.store.announcements import announce_ended
from app.store.database import Transaction

REPLAYED: Final = "replay"
"""`ended_by` of a family whose code or refresh token was presented a second time."""


async def add_grant(
    tx: Transaction, grant: Grant, code_hash: str, code_seconds: int, family_seconds: int
) -> None:
    """Keep a grant, its family and its code; what ended long ago is forgotten."""
    await tx.execute(_FORGET)
    await tx.execute(
        "INSERT INTO identity.token_family (family, client_id, account, session_id, scope, auth_time, "
        "expires_at) VALUES (%s, %s, %s, %s, %s, to_timestamp(%s), "
        "clock_timestamp() + make_interval(secs => %s))",
        (
            grant.family,
            grant.client_id,
            grant.account,
            grant.session_id,
            grant.scope,
            grant.auth_time,
            family_seconds,
        ),
    )
    await tx.execute(
        "INSERT INTO identity.code (code_hash, family, redirect_uri, challenge, nonce, expires_at) "
        "VALUES (%s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))",
        (code_hash, grant.family, grant.redirect_uri, grant.challenge, grant.nonce, code_seconds),
    )


async def take_code(tx: Transaction, code_hash: str, client_id: str) -> Grant | None:
    """Take a code for good; None for one that is unknown, too old, another client's or taken."""
    row = await tx.fetch_one(_TAKE_CODE, {"code": code_hash, "client": client_id})
    return None if row is None else Grant(**row)


async def family_of_taken_code(tx: Transaction, code_hash: str) -> str | None:
    """Return the family of a code that was taken before."""
    family: str | None = await tx.fetch_value(
        "SELECT family FROM identity.code WHERE code_hash = %s AND redeemed_at IS NOT NULL", (code_hash,)
    )
    return family


async def find_family(tx: Transaction, family: str, *, lock: bool = False) -> Family | None:
    """Return a family that lives: not ended, and its account not disabled."""
    row = await tx.fetch_one(f"{_LIVING} {'FOR SHARE OF f' if lock else ''}", {"family": family})
    return None if row is None else _family(row)


async def add_refresh_token(tx: Transaction, family: str, token_hash: str) -> None:
    """Keep a new refresh token of a family."""
    await tx.execute(
        "INSERT INTO identity.refresh_token (token_hash, family) VALUES (%s, %s)", (token_hash, family)
    )


async def refresh_token_state(tx: Transaction, token_hash: str) -> tuple[str, str, bool] | None:
    """Return the family of a refresh token, the family's client, and whether the token was used."""
    row = await tx.fetch_one(
        "SELECT f.family, f.client_id, r.used_at IS NOT NULL AS used "
        "FROM identity.refresh_token r JOIN identity.token_family f USING (family) "
        "WHERE r.token_hash = %s",
        (token_hash,),
    )
    return None if row is None else (row["family"], row["client_id"], row["used"])


async def take_refresh_token(tx: Transaction, token_hash: str) -> bool:
    """Take a refresh token for good; False if it was taken before."""
    taken = await tx.execute(
        "UPDATE identity.refresh_token SET used_at = clock_timestamp() "
        "WHERE token_hash = %s AND used_at IS NULL",
        (token_hash,),
    )
    return bool(taken)


async def end_family(tx: Transaction, family: str, *, by: str) -> bool:
    """End all tokens of a family, and what streams by them; False if they had ended."""
    ended = await tx.execute(
        "UPDATE identity.token_family SET ended_at = clock_timestamp(), ended_by = %s "
        "WHERE family = %s AND ended_at IS NULL",
        (by, family),
    )
    if ended:
        await announce_ended(tx, "session", family)
    return bool(ended)


async def end_families_of(
    tx: Transaction,
    *,
    by: str,
    account: str | None = None,
    session_id: str | None = None,
    client_id: str | None = None,
) -> None:
    """End the families of an account, of a client, or those that a session granted, and their streams."""
    rows = await tx.fetch_rows(
        "UPDATE identity.token_family SET ended_at = clock_timestamp(), ended_by = %s "
        "WHERE (account = %s OR session_id = %s OR client_id = %s) AND ended_at IS NULL RETURNING family",
        (by, account, session_id, client_id),
    )
    for (family,) in rows:
        await announce_ended(tx, "session", family)


def _family(row: dict[str, Any]) -> Family:
    return Family(
        family=row["family"],
        client_id=row["client_id"],
        account=account_of(row),
        session_id=row["session_id"],
        scope=row["scope"],
        auth_time=row["auth_time"],
        expires_at=row["expires_at"],
    )


_FORGET: Final = """
DELETE FROM identity.token_family WHERE expires_at < clock_timestamp() - interval '2 days'
"""
"""So long an access token of it might be presented, which must be known to have been ended."""
_TAKE_CODE: Final = """
UPDATE identity.code c SET redeemed_at = clock_timestamp() FROM identity.token_family f
WHERE c.code_hash = %(code)s AND c.redeemed_at IS NULL AND c.expires_at > clock_timestamp()
    AND f.family = c.family AND f.client_id = %(client)s AND f.ended_at IS NULL
RETURNING f.family, f.client_id, f.account, f.session_id, f.scope,
    floor(extract(epoch FROM f.auth_time))::bigint AS auth_time, c.redirect_uri, c.challenge, c.nonce
"""
_LIVING: Final = """
SELECT f.family, f.client_id, f.session_id, f.scope,
    floor(extract(epoch FROM f.auth_time))::bigint AS auth_time,
    floor(extract(epoch FROM f.expires_at))::bigint AS expires_at,
    a.name, a.password_hash, a.audience, a.role, a.party
FROM identity.token_family f
    JOIN identity.account a ON a.name = f.account AND a.disabled_at IS NULL
WHERE f.family = %(family)s AND f.ended_at IS NULL AND f.expires_at > clock_timestamp()
"""
