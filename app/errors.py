"""Every error Concord raises on purpose: one family, one stable code per class.

ConcordError
├── InputError                 what was sent cannot be used; the sender can mend it
│   ├── BadRequest             the HTTP request or its JSON body is malformed
│   ├── BodyTooLarge           the body is larger than CONCORD_MAX_BODY_BYTES
│   ├── UnsupportedMediaType   the body is not declared as plain JSON
│   ├── NotAcceptable          no answer in a media type that the caller accepts
│   ├── MethodNotAllowed       the method has no meaning here
│   ├── DocumentSyntax         the GraphQL document cannot be parsed
│   ├── DocumentInvalid        the GraphQL document does not fit the caller's graph
│   ├── LimitExceeded          the GraphQL document asks for more than one request may
│   ├── BadId                  an id or cursor that this caller was never given
│   ├── ImportRefused          a data set with errors; nothing of it was written
│   ├── Rejected               a mutation's input has problems, each an error of its own
│   ├── BadValue               one field of the input holds what it may not
│   ├── UnknownKey             a code in the input names nothing in the plan
│   ├── GrainMismatch          the key of a series does not fit the measure
│   ├── BucketFrozen           a value for a past or frozen bucket
│   ├── MeasureReadOnly        the measure is not one that is submitted
│   ├── GroupingUndefined      the measure has no meaningful total over this grouping
│   ├── UnitUndefined          the measure cannot be told in this unit
│   ├── NothingToSplit         an edit at a level names no series that it could be split over
│   ├── ProfileEmpty           what an edit shall be split by is zero or negative there
│   ├── FixedExceedsEdit       what is closed or kept is more than the edit at a level gives
│   └── RowsHidden             an edit at a level would reach over series that the caller does not read
├── NotFound                   nothing the caller may see has this name
│   └── CommitRetired          a state that retention has given up
├── Conflict                   the request was right, but not in the present state
│   ├── HeadMoved              the branch has moved on and the changes clash
│   ├── MergeConflicts         two branches changed the same, and nobody has decided yet
│   ├── IdempotencyConflict    one idempotency key, two different requests
│   ├── ReleaseSuperseded      an answer to a release that a later one has replaced
│   ├── ResponsePastDue        an answer to a release after the day it was due
│   └── PlanNotPublishable     a commit that holds no plan proven optimal, or was published before
├── AccessError                who is calling, and what they may do
│   ├── Unauthenticated        no valid token
│   ├── Forbidden              the caller's role may not do this
│   │   └── SecondPersonNeeded the caller did the act that this one is to check
│   ├── NotGranted             the caller's role may not read this measure or column
│   ├── CrossSiteRequest       a session's request that none of this server's own pages made
│   ├── LoginRefused           a login at a provider that led to no session
│   ├── PartyRefused           the token's party or role has no access (unknown, suspended, without codes)
│   └── ScopeMissing           a statement was about to run without a bound principal
├── StoreError                 the database is absent, of the wrong kind, or refused
│   ├── DatabaseUnreachable    no server answers at the address
│   ├── DatabaseVersion        the server or its data directory is of a version that cannot be used
│   ├── DatabaseExposed        the embedded server's files or rules would let somebody else in
│   ├── DatabaseNotMigrated    the schema in the database is not this program's
│   ├── DatabaseNotEmpty       a backup was to be restored over something that is there
│   ├── BackupUnusable         a file is no backup, damaged, or of a later program
│   └── StoreCorrupt           a sealed version or an invariant of the store does not hold
├── PlanningError              a plan could not be made
│   ├── PlanRefuted            the independent checker found a plan that does not hold
│   ├── ProblemInvalid         the planning data contradict themselves; every finding is listed
│   ├── PlanImpossible         no plan fulfils the requirements, or the solver found none
│   └── PlanCancelled          the run was cancelled
├── ConfigurationError         a setting, key file or policy is wrong; nothing was started
│   └── PolicyInvalid          the files of policies/ contradict themselves or the database
└── InternalError              anything else: logged under a reference, shown without detail

A class's docstring is its message, with the details given by keyword filled in: `NotFound(kind="item",
name="X1")` reads "There is no item X1 here.". Code and message are a contract: clients branch on `code`,
people read the message, and docs/errors.md has a heading for each code (a test holds the two together).
Details are shown to the caller: never put in one what the caller may not see.
"""

# ruff: noqa: N818, D400, D404, D415  the names are the API; the docstrings are messages to people, not descriptions

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

LONGEST_DETAIL = 2000


class ConcordError(Exception):
    """Concord could not do this."""

    code: ClassVar[str] = "CONCORD_ERROR"
    by_code: ClassVar[dict[str, type[ConcordError]]] = {}

    def __init_subclass__(cls, *, code: str) -> None:
        """Register the class under its code; two classes with one code are a programming error."""
        if code in ConcordError.by_code:
            raise TypeError(f"{cls.__name__} takes the code {code} of {ConcordError.by_code[code].__name__}")
        cls.code = code
        ConcordError.by_code[code] = cls

    def __init__(self, message: str | None = None, /, **details: object) -> None:
        """Keep `details` for machines and fill them into the message, the docstring unless one is given.

        A detail may repeat what was sent, so a text is shortened: nobody gets 100 kB of his own back.
        """
        self.details: dict[str, object] = {name: _shortened(value) for name, value in details.items()}
        self.message = message if message is not None else _fill(type(self).__doc__ or "", self.details)
        super().__init__(self.message)


class _Named(dict[str, object]):
    """Details for `str.format_map`; a name that was not given stays readable instead of raising."""

    def __missing__(self, key: str) -> str:
        return f"({key} not named)"


def _shortened(value: object) -> object:
    """Return a text cut to LONGEST_DETAIL characters, the cut marked; anything else as it is."""
    if isinstance(value, str) and len(value) > LONGEST_DETAIL:
        return value[: LONGEST_DETAIL - 1] + "…"
    return value


def _fill(template: str, details: Mapping[str, object]) -> str:
    """Return the template as one line with the details in place of {name}."""
    return " ".join(template.split()).format_map(_Named(details))


# --- what was sent ---------------------------------------------------------------------------------------


class InputError(ConcordError, code="INPUT_INVALID"):
    """The input cannot be used: {reason}."""


class BadRequest(InputError, code="BAD_REQUEST"):
    """The request is malformed: {reason}."""


class BodyTooLarge(InputError, code="BODY_TOO_LARGE"):
    """The request body is larger than the {limit} bytes allowed."""


class UnsupportedMediaType(InputError, code="UNSUPPORTED_MEDIA_TYPE"):
    """The body must be sent as {expected}."""


class NotAcceptable(InputError, code="NOT_ACCEPTABLE"):
    """Answers are given as {offered} only."""


class MethodNotAllowed(InputError, code="METHOD_NOT_ALLOWED"):
    """Only {allowed} is answered here."""


class DocumentSyntax(InputError, code="GRAPHQL_PARSE_FAILED"):
    """The GraphQL document cannot be parsed: {reason}."""


class DocumentInvalid(InputError, code="GRAPHQL_VALIDATION_FAILED"):
    """The GraphQL document does not fit the schema: {reason}."""


class LimitExceeded(InputError, code="LIMIT_EXCEEDED"):
    """The GraphQL document has {what} {found}; at most {limit} are allowed in one request."""


class BadId(InputError, code="BAD_ID"):
    """This id or cursor is not one that you were given for this use."""


class Rejected(InputError, code="REJECTED"):
    """The input has {count} problem(s); nothing was written."""

    def __init__(self, problems: Sequence[ConcordError]) -> None:
        """Keep every problem, so that the sender can mend all of them at once."""
        self.problems = tuple(problems)
        super().__init__(count=len(self.problems))


class BadValue(InputError, code="BAD_VALUE"):
    """Expected {expected}, found {found}."""


class UnknownKey(InputError, code="UNKNOWN_KEY"):
    """There is no {kind} {name} in this plan."""


class GrainMismatch(InputError, code="GRAIN_MISMATCH"):
    """The measure {measure} is kept by {grain}; the key gives {found}."""


class BucketFrozen(InputError, code="BUCKET_FROZEN"):
    """The bucket that starts on {start} is closed: {reason}."""


class MeasureReadOnly(InputError, code="MEASURE_READ_ONLY"):
    """The measure {measure} is not submitted: its values are {kind}."""


class GroupingUndefined(InputError, code="GROUPING_UNDEFINED"):
    """The measure {measure} cannot be grouped: {reason}."""


class UnitUndefined(InputError, code="UNIT_UNDEFINED"):
    """The measure {measure} cannot be told in {unit}: {reason}."""


class NothingToSplit(InputError, code="NOTHING_TO_SPLIT"):
    """There is no series of {measure} to split this over: {reason}."""


class ProfileEmpty(InputError, code="PROFILE_EMPTY"):
    """The edit of {measure} cannot be split by {profile}: {reason}."""


class FixedExceedsEdit(InputError, code="FIXED_EXCEEDS_EDIT"):
    """The edit gives {found}, but {fixed} of it is closed or kept."""


class RowsHidden(InputError, code="ROWS_HIDDEN"):
    """Your role does not answer for all of {measure} here: name {narrower} of your own."""


class ImportRefused(InputError, code="IMPORT_REFUSED"):
    """The data set has {errors} errors and nothing of it was written; the first is {first}."""


# --- what is there ---------------------------------------------------------------------------------------


class NotFound(ConcordError, code="NOT_FOUND"):
    """There is no {kind} {name} here."""


class CommitRetired(NotFound, code="COMMIT_RETIRED"):
    """The state of commit {commit} is no longer kept; published versions and the heads of branches are."""


class Conflict(ConcordError, code="CONFLICT"):
    """The present state does not allow this: {reason}."""


class HeadMoved(Conflict, code="HEAD_MOVED"):
    """Branch {branch} has moved on since commit {expected}, and both changed the same figures."""


class MergeConflicts(Conflict, code="MERGE_CONFLICTS"):
    """Both branches changed the same; say what shall count. {count} conflict(s) are listed."""


class IdempotencyConflict(Conflict, code="IDEMPOTENCY_CONFLICT"):
    """The idempotency key was used before for a different request."""


class ReleaseSuperseded(Conflict, code="RELEASE_SUPERSEDED"):
    """Release {release} was replaced by release {latest}: answer that one."""


class ResponsePastDue(Conflict, code="RESPONSE_PAST_DUE"):
    """The answer to release {release} was due on {due}; the next release takes answers again."""


class PlanNotPublishable(Conflict, code="PLAN_NOT_PUBLISHABLE"):
    """This commit cannot be published: {reason}."""


# --- who is calling --------------------------------------------------------------------------------------


class AccessError(ConcordError, code="ACCESS_REFUSED"):
    """Access is refused."""


class Unauthenticated(AccessError, code="UNAUTHENTICATED"):
    """A valid access token is required."""


class Forbidden(AccessError, code="FORBIDDEN"):
    """Your role may not do this."""


class CrossSiteRequest(AccessError, code="CROSS_SITE_REQUEST"):
    """A session counts only for requests that this server's own pages make."""


class LoginRefused(AccessError, code="LOGIN_REFUSED"):
    """You could not be logged in: {reason}."""


class SecondPersonNeeded(Forbidden, code="SECOND_PERSON_NEEDED"):
    """Four eyes: this has to be done by another person than the one who {first}."""


class NotGranted(AccessError, code="NOT_GRANTED"):
    """Your role may not read this."""


class PartyRefused(AccessError, code="PARTY_REFUSED"):
    """Your party or role has no access here."""


class ScopeMissing(AccessError, code="SCOPE_MISSING"):
    """A database transaction was asked for without a bound principal."""


# --- what Concord stands on ------------------------------------------------------------------------------


class StoreError(ConcordError, code="STORE_ERROR"):
    """The database cannot serve: {reason}."""


class DatabaseUnreachable(StoreError, code="DATABASE_UNREACHABLE"):
    """The database does not answer: {reason}."""


class DatabaseVersion(StoreError, code="DATABASE_VERSION"):
    """PostgreSQL {found} cannot be used: {reason}."""


class DatabaseExposed(StoreError, code="DATABASE_EXPOSED"):
    """The embedded database is not private, so it is not used: {reason}."""


class DatabaseNotEmpty(StoreError, code="DATABASE_NOT_EMPTY"):
    """A backup is restored into an empty database only; this one has {schemas}. Nothing was changed."""


class BackupUnusable(StoreError, code="BACKUP_UNUSABLE"):
    """The backup cannot be restored: {reason}. Nothing was changed."""


class DatabaseNotMigrated(StoreError, code="DATABASE_NOT_MIGRATED"):
    """The database is at revision {found}, this program needs {expected}: run `python -m app migrate`."""


class StoreCorrupt(StoreError, code="STORE_CORRUPT"):
    """The store does not hold: {count} finding(s), the first: {first}."""


class PlanningError(ConcordError, code="PLANNING_ERROR"):
    """No plan could be made: {reason}."""


class PlanRefuted(PlanningError, code="PLAN_REFUTED"):
    """The plan does not hold: {count} violations were found."""


class ProblemInvalid(PlanningError, code="PROBLEM_INVALID"):
    """The planning data have {count} error(s); the first: {first}"""


class PlanImpossible(PlanningError, code="PLAN_IMPOSSIBLE"):
    """There is no plan for these inputs ({status}): {reason}"""


class PlanCancelled(PlanningError, code="PLAN_CANCELLED"):
    """The run was cancelled; nothing was written."""


class ConfigurationError(ConcordError, code="CONFIGURATION_ERROR"):
    """Concord is not set up right: {reason}."""


class PolicyInvalid(ConfigurationError, code="POLICY_INVALID"):
    """The policies are wrong: {reason}."""


class InternalError(ConcordError, code="INTERNAL"):
    """Something failed on our side. Quote reference {reference} to the operator."""
