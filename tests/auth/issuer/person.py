"""A person at a browser, who follows links and fills in forms, and an application that sends the browser."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2 as httpx

from app.auth.issuer import Application
from app.services.identity.accounts import add_account
from app.services.identity.clients import Registered, register_application
from app.store.database import Database

PASSWORD = "correct horse battery"
CALLBACK = "https://planning.example/callback"


async def add_person(database: Database, name: str = "anna", **options: Any) -> None:
    await add_account(
        database, name, PASSWORD, **{"audience": "internal", "role": "planner", "by": "test", **options}
    )


async def add_application(
    database: Database,
    client_id: str = "portal",
    *,
    redirect_uris: tuple[str, ...] = (CALLBACK,),
    public: bool = True,
    **options: Any,
) -> Registered:
    application = Application("Planning portal", redirect_uris, **options)
    return await register_application(database, client_id, application, public=public, by="test")


@dataclass
class Form:
    """The one form of a page, and what the page says."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form = Form()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form.action = named["action"]
        if tag == "input":
            self.form.fields[named["name"]] = named.get("value", "")

    def handle_data(self, data: str) -> None:
        self.form.text += data


def read_form(response: httpx.Response) -> Form:
    reader = _Reader()
    reader.feed(response.text)
    return reader.form


@dataclass
class Asked:
    """An authorization request, and what the application keeps of it."""

    client_id: str
    redirect_uri: str = CALLBACK
    scope: str = "openid concord"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    more: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        hashed = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(hashed).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **self.more,
        }
        return {name: value for name, value in asked.items() if value is not None}

    @property
    def address(self) -> str:
        return f"/oauth/authorize?{urlencode(self.parameters)}"

    def token_form(self, code: str, **changes: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, browser: httpx.AsyncClient, name: str = "anna", password: str = PASSWORD) -> None:
        self.browser = browser
        self.name = name
        self.password = password

    async def send(self, form: Form, **values: str) -> httpx.Response:
        return await self.browser.post(form.action, data={**form.fields, **values})

    async def log_in(self, asked: Asked) -> httpx.Response:
        """Follow an application's link as far as the first answer after the password."""
        page = await self.browser.get(asked.address)
        assert page.status_code == 200, page.text
        response = await self.send(read_form(page), name=self.name, password=self.password)
        assert response.status_code == 303, response.text
        return await self.browser.get(response.headers["location"])

    async def allow(self, page: httpx.Response, decision: str = "allow") -> dict[str, str]:
        """Decide on a consent page; return what the application gets."""
        return answer_of(await self.send_decision(page, decision))

    async def send_decision(self, page: httpx.Response, decision: str) -> httpx.Response:
        """Decide on a consent page."""
        assert page.status_code == 200, page.text
        return await self.send(read_form(page), decision=decision)

    async def grant(self, asked: Asked) -> str:
        """Log in and allow; return the code."""
        return (await self.allow(await self.log_in(asked)))["code"]


def answer_of(response: httpx.Response, address: str = CALLBACK) -> dict[str, str]:
    """Return the parameters of the way back to an application."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == address
    return {name: value for name, (value,) in parse_qs(parts.query).items()}
