"""Requests to issuers, within a deadline and limits of size.

Owns: permitted URLs, the bounds of a request, connections, and host name resolution with a timeout.
Does not own: what is requested (`keysets.discovery`, `feed.feed_address`, `issuers.introspection`), or when it is
requested again (`keysets.flight`).
Steps: this package is none of the seven steps in README.md, but step 6 fetches keys with it.
Neighbours: imports no other room.

Read in this order:
- `resolve`: resolve host names with a timeout.
- `wire`: connections whose steps share one deadline.
- `fetch`: bounded HTTP requests.
"""
