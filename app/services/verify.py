"""Is the store still what it claims to be? Sealed hashes recomputed, and the invariants of its rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.access import HOST, KEEPER
from app.errors import NotFound
from app.store.audit_chain import ChainOutcome, Head, check_chain, hash_at
from app.store.database import Database, Transaction
from app.store.integrity import INVARIANTS, Outcome, check_invariant, sizes
from app.store.versions import Version, recompute, version, versions

INTACT = "intact"
CHANGED = "changed"
SNAPSHOT_DIFFERS = "snapshot differs"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class VersionOutcome:
    """How a version's seal stands.

    intact, changed, snapshot differs (its history is intact, the copy for reading is not), or unreadable
    (its commit is missing, or cells are cut off).
    """

    version: Version
    state: str
    sealed_hash: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked: `rows` of each table, every invariant, and the versions asked for."""

    rows: dict[str, int]
    invariants: tuple[Outcome, ...]
    versions: tuple[VersionOutcome, ...]
    log: ChainOutcome

    @property
    def findings(self) -> list[str]:
        """What does not hold, in words; empty if all does."""
        broken = [
            f"{outcome.invariant.name}: {place}" for outcome in self.invariants for place in outcome.places
        ]
        seals = [f"version {v.version.name}: {v.state}" for v in self.versions if v.state != INTACT]
        return broken + seals + [f"audit log: {finding}" for finding in self.log.findings]

    @property
    def breaches(self) -> int:
        """How many rows and versions do not hold; more than `findings` names where there are many."""
        seals = sum(outcome.state != INTACT for outcome in self.versions)
        return sum(outcome.breaches for outcome in self.invariants) + seals + len(self.log.findings)


async def verify_store(
    database: Database,
    *,
    name: str | None = None,
    log_head: Head | None = None,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Check the store's invariants, the seal of one version or of all, and the chain over the audit log.

    `log_head` is a head of the log that was kept elsewhere: it must be in the chain, or its end was cut off.
    Raises `NotFound` for a version that is not there.
    """
    tell = progress or (lambda _: None)
    async with database.read(HOST) as tx:
        asked = await versions(tx) if name is None else [await version(tx, name)]
        outcomes = []
        for invariant in INVARIANTS:
            tell(invariant.name)
            outcomes.append(await check_invariant(tx, invariant))
        seals = []
        for sealed in asked:
            tell(f"version {sealed.name}")
            seals.append(await _outcome(tx, sealed))
        rows = await sizes(tx)
    tell("audit log")
    log = await _check_log(database, log_head)
    return Verification(rows, tuple(outcomes), tuple(seals), log)


async def _check_log(database: Database, expected: Head | None) -> ChainOutcome:
    async with database.read(KEEPER) as tx:
        outcome = await check_chain(tx)
        if expected is None or await hash_at(tx, expected.position) == expected.hash:
            return outcome
    missing = f"seal {expected.position} with the hash kept elsewhere is not in the chain"
    return replace(outcome, findings=(*outcome.findings, missing))


async def _outcome(tx: Transaction, sealed: Version) -> VersionOutcome:
    """Hash a version again and say how its seal stands."""
    try:
        seal = await recompute(tx, sealed)
    except (NotFound, ValueError):  # ValueError: NumPy on bytes that are no whole number of cells
        return VersionOutcome(sealed, UNREADABLE, None)
    broken = SNAPSHOT_DIFFERS if seal.sealed == seal.from_history else CHANGED
    return VersionOutcome(sealed, INTACT if seal.holds else broken, seal.sealed.hex())
