"""What a graph puts on record by itself: whom it refused, what, and from where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from graphql import GraphQLError
from starlette.requests import HTTPConnection
from strawberry.extensions import SchemaExtension

from app.auth import Principal
from app.errors import AccessError, ConcordError, Rejected, ScopeMissing
from app.store.audit import Who, network
from app.store.refusals import Refusals

NAMING = ("action", "measure", "kind", "table")
"""Details of a refusal that name what was refused; nothing of what was sent goes on record."""


def origin_of(connection: HTTPConnection) -> str:
    """Return the network that a request comes from, as the log keeps it."""
    return network(connection.client.host if connection.client else "")


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal, the network it calls from, and where its refusals go."""

    principal: Principal
    origin: str
    refusals: Refusals

    async def refused(self, *errors: BaseException) -> None:
        """Put on record that the caller was refused something; other errors are not about rights."""
        caller = self.principal
        who = Who(caller.subject, caller.role, caller.audience, caller.party, self.origin)
        problems = (problem for error in errors for problem in _problems(error))
        for act, target in dict.fromkeys((problem.code, _target(problem)) for problem in problems):
            await self.refusals.note(act, target, who)


class RecordRefusals(SchemaExtension):
    """Puts on record what an operation was refused, before its answer goes out."""

    async def on_execute(self) -> AsyncIterator[None]:
        """Run the operation, then look at its errors."""
        yield
        refused = getattr(self.execution_context.context, "refused", None)
        errors: list[GraphQLError] = getattr(self.execution_context.result, "errors", None) or []
        if refused is not None:
            await refused(*map(_cause, errors))


def _cause(error: GraphQLError) -> BaseException:
    """Return the exception that a GraphQL error stands for."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _problems(error: BaseException) -> Iterator[AccessError]:
    listed: tuple[ConcordError, ...] = ()
    if isinstance(error, Rejected):
        listed = tuple(error.problems)
    elif isinstance(error, ConcordError):
        listed = (error,)
    for each in listed:
        if isinstance(each, AccessError) and not isinstance(each, ScopeMissing):
            yield each


def _target(error: AccessError) -> str | None:
    return next((str(error.details[name]) for name in NAMING if name in error.details), None)
