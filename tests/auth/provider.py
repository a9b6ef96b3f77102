"""An OpenID provider for tests: real HTTP on loopback, with switches for what goes wrong in one."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey
NEW_KEY = {
    "RS256": lambda kid: RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}),
    "PS256": lambda kid: RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}),
    "ES256": lambda kid: ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}),
    "EdDSA": lambda kid: OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"}),
}


class Provider:
    """What the provider publishes now, how it answers, and how often it was asked."""

    def __init__(self, address: str) -> None:
        self.issuer = address
        self.keys: list[dict[str, Any]] = []
        self.discovery: dict[str, Any] = {"issuer": address, "jwks_uri": f"{address}/jwks"}
        self.mode = "well"
        self.asked: Counter[str] = Counter()

    def publish(self, *keys: Key) -> None:
        """Publish these keys and no others."""
        self.keys = [key.as_dict(private=False) for key in keys]

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of an answer."""
        self.asked[path] += 1
        document: object = {"keys": self.keys} if path == "/jwks" else self.discovery
        match self.mode:
            case "error":
                return 500, {}, b"{}"
            case "redirect":
                return 302, {"Location": f"{self.issuer}/elsewhere"}, b""
            case "not json":
                return 200, {}, b"<html>"
            case "a list":
                return 200, {}, b"[]"
            case "huge":
                return 200, {}, b'{"pad": "' + b"x" * 2_000_000 + b'"}'
            case "hang":
                time.sleep(3)
            case "slow":
                time.sleep(0.2)
        return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Run a provider for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = provider.answer(self.path)
            try:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # the client did not wait

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
