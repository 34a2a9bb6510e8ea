"""Fetches client ID metadata documents, within the bounds of the Internet-Draft (version 02 sections 5 and 8.6).

- The request is guarded (`outbound`): public IP addresses only, no redirect, and a deadline.
- A document has at most LONGEST bytes, a Content-Type of JSON, and strict JSON as its content.
- In development, and only if the settings say so, a document may be on loopback.
"""

import os
import re
import time
from dataclasses import dataclass
from datetime import timedelta

from tokens import conf, outbound
from tokens.addresses import LOOPBACK
from tokens.jose import strict_json
from tokens.jose.strict_json import NotStrict
from tokens.open_clients import document_rules, freshness, identifier
from tokens.open_clients.client_metadata import ClientMetadata
from tokens.open_clients.flights import Flights
from tokens.open_clients.metadata_member import InvalidMetadata
from tokens.outbound import FetchError, StatusError

LONGEST = 16 * 1024
"""Bytes. The draft recommends 5 KB, which a JWKS of RSA keys exceeds."""
TYPE = re.compile(r"application/(json|[a-z0-9.+-]+\+json)\s*(;.*)?", re.IGNORECASE | re.DOTALL)
GONE = range(400, 500)
"""Statuses that mean that there is no document, except those in OVERLOADED. Statuses from 500 on can be temporary."""
OVERLOADED = frozenset({408, 425, 429})


class NoDocument(Exception):
    """The document does not exist or is invalid, so its client is refused. The message says why."""


class Unreachable(Exception):
    """The document could not be fetched at the moment. The message says why."""


@dataclass(frozen=True, slots=True)
class ValidDocument:
    """The metadata of a valid document, and for how long it is fresh."""

    metadata: ClientMetadata
    fresh_for: timedelta


def is_costly(client_id: str) -> bool:
    """Return True if `get` would send a request, or would return a document.

    A document from memory is costly, too: the caller stores each document that `get` returns, which locks the registry.
    """
    return flights.is_due(client_id) or flights.has_value(client_id)


def get(client_id: str) -> ValidDocument:
    """Fetch and validate the document at `client_id`.

    Raises NoDocument if the document is missing or invalid, Unreachable if it cannot be fetched, and
    flights.StillFetching if the fetch takes too long, or if too many fetches run or too many requests wait.
    """
    return flights.get(client_id)


def _fetch(client_id: str) -> ValidDocument:
    """Fetch the document at `client_id`, and validate it. Raises NoDocument or Unreachable, as `get` does.

    Of the statuses other than 200, those from 500 on and those in OVERLOADED count as unreachable. All others, such as
    redirects, count as a missing or invalid document.
    """
    settings = conf.issuer().open_clients
    loopback = identifier.read(client_id, loopback=settings.loopback_documents).hostname in LOOPBACK
    try:
        answer = outbound.get(client_id, allow_private=loopback, longest=LONGEST)
    except StatusError as error:
        is_gone = error.status in GONE and error.status not in OVERLOADED
        raise (NoDocument if is_gone or error.status < GONE.start else Unreachable)(str(error)) from error
    except FetchError as error:
        raise Unreachable(str(error)) from error
    if not TYPE.fullmatch(answer.headers.get("content-type", "").strip()):
        raise NoDocument("its Content-Type is not application/json")
    metadata = _read(answer.body, client_id, loopback=loopback)
    return ValidDocument(metadata, freshness.lifetime(answer.headers))


def _read(body: bytes, client_id: str, *, loopback: bool) -> ClientMetadata:
    grant_types = conf.issuer().open_clients.grant_types
    try:
        content = strict_json.parse(body.decode())
        return document_rules.read(content, client_id, grant_types=grant_types, loopback=loopback)
    except (UnicodeDecodeError, NotStrict) as error:
        raise NoDocument(f"it is not strict JSON ({error})" if isinstance(error, NotStrict) else "no UTF-8") from None
    except InvalidMetadata as error:
        raise NoDocument(str(error)) from error


def _new_flights() -> "Flights[ValidDocument]":
    return Flights(_fetch, clock=time.monotonic)


flights: "Flights[ValidDocument]" = _new_flights()
"""The fetches of this process. A forked process replaces it, because the threads of its parent do not run there."""


def _reset_after_fork() -> None:
    global flights  # noqa: PLW0603 (a lock that a thread of the parent held is never released here)
    flights = _new_flights()


os.register_at_fork(after_in_child=_reset_after_fork)
