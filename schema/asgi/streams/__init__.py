"""The WebSocket side of `/graphql`: any operation of the caller's graph over graphql-transport-ws.

- `admission`  who opens a socket: the token in `connection_init`, and what may end before it does
- `standing`   the right to go on: it ends with the token, or with session, subject or party
- `messages`   what clients may send, strictly; what else they send closes the socket with a code
- `connection` one socket from its handshake to its end: operations side by side, bounded in every way

docs/streams.md says what each close code means.
"""

from schema.asgi.streams.admission import Admission, Admitted, BearerAdmission
from schema.asgi.streams.connection import Serving, serve_socket

__all__ = ["Admission", "Admitted", "BearerAdmission", "Serving", "serve_socket"]
