"""Authorization requests: what is wrong with one, what a person must be asked, and the answer to the client.

A wrong client or address is told to the person alone; everything else goes back to the client, with its
`state`. An authorization request holds no secret, so between the pages it travels in the form, and is checked
again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oidc.core.errors import (
    ConsentRequiredError,
    LoginRequiredError,
    RequestNotSupportedError,
    RequestURINotSupportedError,
)
from starlette.responses import Response

from app.auth.issuer.logins import Session
from app.auth.issuer.redirects import origin_of
from app.auth.issuer.registry import Application
from app.auth.issuer.server import TokenServer

_PROMPTS = frozenset({"none", "login", "consent", "select_account"})


class AuthorizationRequest(OAuth2Request):
    """A request to the authorization endpoint, as far as Authlib looks at it."""

    def __init__(self, parameters: dict[str, str]) -> None:
        """Take parameters that were read."""
        # Authlib refuses http by itself; where http is allowed was decided for CONCORD_PUBLIC_URL.
        super().__init__("GET", "https://issuer.invalid/")
        self.payload = BasicOAuth2Payload(parameters)

    @property
    def args(self) -> dict[str, str]:
        """The parameters."""
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        """Nothing: it came in the address."""
        return {}


@dataclass(frozen=True, slots=True)
class Problem:
    """A request that nobody can be sent back from; the code is for whoever runs the application."""

    code: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before the answer: who it is, or whether an application may act."""

    kind: Literal["login", "consent"]
    application: Application
    redirect_uri: str

    @property
    def back_to(self) -> str:
        """The origin that the browser is sent back to in the end."""
        return origin_of(self.redirect_uri)

    @property
    def host(self) -> str:
        """The same, for people."""
        parts = urlsplit(self.redirect_uri)
        return parts.netloc or f"{parts.scheme}:"


Outcome = Response | Question | Problem


class Authorizing:
    """Answers authorization requests. Runs in a worker thread of the event loop."""

    def __init__(self, server: TokenServer) -> None:
        """Take Authlib's server."""
        self._server = server

    def consider(self, parameters: dict[str, str], session: Session | None) -> Outcome:
        """Return the answer to the client where nothing is left to ask, else the question."""
        return self._run(parameters, session)

    def decide(self, parameters: dict[str, str], session: Session, *, allowed: bool) -> Outcome:
        """Return the answer to the client after a person was asked whether the application may act."""
        return self._run(parameters, session, allowed=allowed)

    def _run(
        self, parameters: dict[str, str], session: Session | None, *, allowed: bool | None = None
    ) -> Outcome:
        request = AuthorizationRequest(parameters)
        try:
            grant = self._server.get_consent_grant(request, end_user=session)
            question = _question(request, grant.redirect_uri, session)
        except OAuth2Error as error:
            error.state = parameters.get("state")
            if not error.redirect_uri:
                return Problem(str(error.error))
            refusal: Response = self._server.handle_error_response(request, error)
            return refusal
        if question is not None and (allowed is None or question.kind != "consent"):
            return question
        person = None if allowed is False else session
        answer: Response = self._server.create_authorization_response(request, person, grant)
        return answer


def _question(request: AuthorizationRequest, address: str, session: Session | None) -> Question | None:
    """Return what must be asked; raises OAuth2Error where it may not be."""
    data: Mapping[str, str] = request.payload.data
    _refuse_unsupported(data, address)
    prompts = _prompts(data, address)
    application: Application = request.client.registered.application
    if session is None or prompts & {"login", "select_account"} or _too_old(data, session, address):
        if "none" in prompts:
            raise LoginRequiredError(redirect_uri=address)
        return Question("login", application, address)
    if not application.first_party or "consent" in prompts:
        if "none" in prompts:
            raise ConsentRequiredError(redirect_uri=address)
        return Question("consent", application, address)
    return None


def _refuse_unsupported(data: Mapping[str, str], address: str) -> None:
    """Refuse what would change the request or its answer if it were understood."""
    if "request" in data:
        raise RequestNotSupportedError(redirect_uri=address)
    if "request_uri" in data:
        raise RequestURINotSupportedError(redirect_uri=address)
    if data.get("response_mode", "query") != "query":
        raise InvalidRequestError("The response_mode is not supported.", redirect_uri=address)


def _prompts(data: Mapping[str, str], address: str) -> frozenset[str]:
    prompts = frozenset(data.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequestError("The prompt is not known.", redirect_uri=address)
    return prompts


def _too_old(data: Mapping[str, str], session: Session, address: str) -> bool:
    """Say whether the application wants the password given more recently than it was."""
    if "max_age" not in data:
        return False
    text = data["max_age"]
    if not text.isdecimal() or len(text) > 9:
        raise InvalidRequestError("The max_age is not a number of seconds.", redirect_uri=address)
    return time.time() - session.auth_time >= int(text)


def after_login(parameters: dict[str, str]) -> str:
    """Return the query of a request whose person has just given the password.

    What asked for that is fulfilled and left out; the application can see in `auth_time` that it was done.
    """
    prompts = [each for each in parameters.get("prompt", "").split() if each in ("none", "consent")]
    kept: dict[str, Any] = {
        name: value for name, value in parameters.items() if name not in ("prompt", "max_age")
    }
    return urlencode({**kept, **({"prompt": " ".join(prompts)} if prompts else {})})
