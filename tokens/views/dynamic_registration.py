"""/oauth/register: clients register, and read, change and delete their registration (RFC 7591, RFC 7592).

1. The request is counted by the rate limit of its network address. If it cannot be counted, it is refused.
2. The body must be one JSON object of bounded size.
3. `dynamic_client` checks the bearer token and the client's metadata. Every refusal is in the audit log.
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from tokens import conf, errors
from tokens.errors import MethodNotAllowed, Unavailable
from tokens.keys import keyring
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.open_clients import dynamic_client, registration_answer
from tokens.registry_lock import RegistryLocked
from tokens.views import json_body
from tokens.views.cors import any_origin
from tokens.views.limits import UNKNOWN_USER, count
from tokens.views.refusals import answered

REFUSED = "registration.refused"
RETRY_AFTER = 5  # seconds
Answer = Callable[..., HttpResponse]


def _endpoint(view: Answer) -> Callable[..., HttpResponseBase]:
    """Return a view that counts the request for the rate limit and calls `view`.

    The returned view answers errors in JSON and logs them. Pages of every origin can call it (CORS).
    """

    @any_origin("GET", "POST", "PUT", "DELETE")
    @answered(REFUSED, is_read=False)
    @wraps(view)
    def dispatch(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            count(request, "register", (), conf.issuer().rate_limits["register"], subject=UNKNOWN_USER)
            return view(request, *args, **kwargs)
        except TooMany as error:
            return errors.too_many(error.retry_after)
        except NotCounted as error:
            description = "Registrations cannot be counted at the moment."
            raise Unavailable(description, retry_after=RETRY_AFTER) from error
        except RegistryLocked as error:
            raise Unavailable(str(error), retry_after=RETRY_AFTER) from error

    dispatch.judges_its_body = True  # type: ignore[attr-defined] # so that `bodies` does not take it for a page
    return csrf_exempt(dispatch)


@_endpoint
def register(request: HttpRequest) -> HttpResponse:
    """Return 201 with the client's metadata, its secret and its registration access token (RFC 7591 section 3.2.1)."""
    if request.method != "POST":
        raise MethodNotAllowed("POST")
    members, now = json_body.read(request), keyring.clock(now=timezone.now())
    registered = dynamic_client.register(members, _bearer(request), address=rate_limit.address(request), now=now)
    return errors.answer(registration_answer.new(registered), 201)


@_endpoint
def registration(request: HttpRequest, client_id: str) -> HttpResponse:
    """Return the metadata of the client after a GET or a PUT, or 204 after a DELETE (RFC 7592 section 2)."""
    if request.method not in {"GET", "PUT", "DELETE"}:
        raise MethodNotAllowed("GET", "PUT", "DELETE")
    bearer = _bearer(request)
    client = dynamic_client.authenticate(client_id, bearer)
    now = keyring.clock(now=timezone.now())
    if request.method == "DELETE":
        dynamic_client.delete(client, now=now)
        return HttpResponse(status=204, headers=errors.NO_STORE)
    if request.method == "PUT":
        client = dynamic_client.change(client, json_body.read(request), now=now)
    return errors.answer(registration_answer.stored(client, bearer or ""))


def _bearer(request: HttpRequest) -> str | None:
    """Return the bearer token in the `Authorization` header, or None (RFC 6750 section 2.1)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip(" ") or None if scheme.lower() == "bearer" else None
