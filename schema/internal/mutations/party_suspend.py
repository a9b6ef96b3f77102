"""`partySuspend` and `partyReinstate`: an administrator keeps a party out, or lets it in again."""

from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services import suspending as service
from schema.context import Context
from schema.types.errors import UserError
from schema.types.payload import attempt


@strawberry.input(description="A party to be kept out.")
class PartySuspendInput:
    """Input of `partySuspend`."""

    party: str = strawberry.field(description="Code of the party.")
    reason: str = strawberry.field(description="Why, at most 500 characters; it goes on record.")


@strawberry.input(description="A party to be let in again.")
class PartyReinstateInput:
    """Input of `partyReinstate`."""

    party: str = strawberry.field(description="Code of the party.")


@strawberry.type(description="Answer of `partySuspend`.")
class PartySuspendPayload:
    """Payload of `partySuspend`."""

    party: str | None = strawberry.field(
        description="Code of the party: its tokens are refused from now on, its streams are cut off."
    )
    changed: bool = strawberry.field(description="False where it was suspended already.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type(description="Answer of `partyReinstate`.")
class PartyReinstatePayload:
    """Payload of `partyReinstate`."""

    party: str | None = strawberry.field(description="Code of the party: its tokens are good again.")
    changed: bool = strawberry.field(description="False where it was not suspended.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


SuspendArgument = Annotated[PartySuspendInput, strawberry.argument(description="The input.")]
ReinstateArgument = Annotated[PartyReinstateInput, strawberry.argument(description="The input.")]


async def resolve_party_suspend(info: Info[Context, None], input: SuspendArgument) -> PartySuspendPayload:
    """Suspend a party."""
    context, scope = info.context, await info.context.scope()
    call = service.suspend(context.database, scope, input.party, reason=input.reason)
    changed, errors = await attempt(context, call)
    party = None if changed is None else input.party
    return PartySuspendPayload(party=party, changed=bool(changed), user_errors=errors)


async def resolve_party_reinstate(
    info: Info[Context, None], input: ReinstateArgument
) -> PartyReinstatePayload:
    """Reinstate a party."""
    context, scope = info.context, await info.context.scope()
    changed, errors = await attempt(context, service.reinstate(context.database, scope, input.party))
    party = None if changed is None else input.party
    return PartyReinstatePayload(party=party, changed=bool(changed), user_errors=errors)
