"""The three GraphQL graphs of Concord and the ASGI layer in front of them."""
