"""The directory: what a party holds at the head of main, looked up while a principal is bound.

It runs in a role of its own that reads parties, their codes, regions, sites and assignments, and nothing
else. Today's assignments hold for all of history, so a reorganisation takes effect with the next request.
"""

# ruff: noqa: S608  the texts are put together from this module's own names, never from values

from __future__ import annotations

from typing import Any, Final

from app.access import DIRECTORY, Holdings, Reach, Scope, scope_of
from app.auth import Principal
from app.store.branches import MAIN, PLAN
from app.store.database import Database, Transaction


def _latest(kind: str) -> str:
    """Return a query of the rows of a kind at main's head: entity id and row."""
    return f"""SELECT id, row FROM (
        SELECT DISTINCT ON (v.entity_id) v.entity_id AS id, v.row
        FROM path JOIN plan.entity_version v ON v.branch_id = path.branch_id AND v.commit_id <= path.upto
        WHERE v.kind = '{kind}' ORDER BY v.entity_id, v.commit_id DESC) latest WHERE row IS NOT NULL"""


_HOLDINGS: Final = f"""
WITH RECURSIVE main AS (
    SELECT b.id AS branch_id, b.head_id AS upto FROM plan.branch b JOIN plan.plan p ON p.id = b.plan_id
    WHERE p.name = %(plan)s AND b.name = %(main)s),
path AS (
    SELECT branch_id, upto FROM main
    UNION ALL SELECT a.ancestor_id, a.upto_commit_id FROM plan.branch_path a JOIN main USING (branch_id)),
party AS ({_latest("party")}),
supplier AS ({_latest("supplier")}),
customer AS ({_latest("customer")}),
region AS ({_latest("region")}),
site AS ({_latest("site")}),
resource AS ({_latest("resource")}),
assignment AS (
    SELECT row ->> 'region' AS region, row ->> 'site' AS site FROM ({_latest("assignment")}) a
    WHERE row ->> 'party' = %(party)s),
own_region AS (
    SELECT region AS code FROM assignment WHERE region IS NOT NULL
    UNION SELECT r.row ->> 'region' FROM region r JOIN own_region o ON r.row ->> 'parent' = o.code),
own_site AS (SELECT DISTINCT site AS code FROM assignment WHERE site IS NOT NULL),
own_customer AS (
    SELECT id, row ->> 'customer' AS code FROM customer
    WHERE row ->> 'region' IN (SELECT code FROM own_region)),
own_party AS (
    SELECT id FROM party WHERE row ->> 'party' = %(party)s
    UNION SELECT p.id FROM party p JOIN customer c ON c.row ->> 'party' = p.row ->> 'party'
    GROUP BY p.id HAVING bool_and(c.id IN (SELECT id FROM own_customer)))
SELECT me.id AS party_id, me.row ->> 'kind' AS kind,
    coalesce((me.row ->> 'active')::boolean, true) AND NOT EXISTS (
        SELECT FROM identity.suspension s WHERE s.party = %(party)s AND s.reinstated_at IS NULL) AS active,
    EXISTS (SELECT FROM supplier WHERE row ->> 'party' = %(party)s) AS is_supplier,
    EXISTS (SELECT FROM customer WHERE row ->> 'party' = %(party)s) AS is_customer,
    ARRAY(SELECT code FROM own_region ORDER BY code COLLATE "C") AS regions,
    ARRAY(SELECT code FROM own_site ORDER BY code COLLATE "C") AS sites,
    CASE WHEN EXISTS (SELECT FROM own_region) THEN ARRAY(SELECT id FROM own_customer) END AS customer_ids,
    CASE WHEN EXISTS (SELECT FROM own_region) THEN ARRAY(SELECT id FROM own_party) END AS party_ids,
    CASE WHEN EXISTS (SELECT FROM own_region) THEN ARRAY(
        SELECT id FROM site WHERE row ->> 'customer' IS NULL
        OR row ->> 'customer' IN (SELECT code FROM own_customer)) END AS market_site_ids,
    CASE WHEN EXISTS (SELECT FROM own_site) THEN ARRAY(
        SELECT id FROM site WHERE row ->> 'site' IN (SELECT code FROM own_site)) END AS site_ids,
    CASE WHEN EXISTS (SELECT FROM own_site) THEN ARRAY(
        SELECT id FROM resource WHERE row ->> 'site' IN (SELECT code FROM own_site)) END AS resource_ids
FROM party me WHERE me.row ->> 'party' = %(party)s
"""
"""One statement; PostgreSQL computes a part only where the result asks for it (CASE, EXISTS)."""


async def bind(database: Database, principal: Principal) -> Scope:
    """Return the scope of a principal: its party's codes, regions and sites as main's head has them.

    Raises `PartyRefused` for a party that is unknown, suspended or without a code, and for a role that is not
    of the principal's audience; there is no default role.
    """
    if principal.party is None:
        return scope_of(principal, None)
    async with database.read(DIRECTORY) as tx:
        holdings = await find_holdings(tx, principal.party)
    return scope_of(principal, holdings)


async def find_holdings(tx: Transaction, party: str) -> Holdings | None:
    """Return what a party holds, None if main's head knows no such party."""
    row = await tx.fetch_one(_HOLDINGS, {"plan": PLAN, "main": MAIN, "party": party})
    if row is None:
        return None
    return Holdings(
        party_id=row["party_id"],
        kind=row["kind"],
        active=row["active"],
        is_supplier=row["is_supplier"],
        is_customer=row["is_customer"],
        regions=_reach(row, "regions", ("customer_ids", "party_ids", "market_site_ids")),
        sites=_reach(row, "sites", ("site_ids", "resource_ids")),
    )


def _reach(row: dict[str, Any], codes: str, ids: tuple[str, ...]) -> Reach | None:
    """Return one side of the assignments; None where there is none."""
    if not row[codes]:
        return None
    return Reach(tuple(row[codes]), {name: tuple(row[name]) for name in ids})
