"""The decorator of the endpoints for clients: reads the form, answers in JSON, and logs refusals.

1. The body is a form (`bodies`).
2. Parameters and credentials are read once, but not checked yet.
3. The request is counted by the rate limit, unless it is a second try: the client repeats a refused request with its
   secret in the body instead of the header (`clients.second_try`).
4. If the client_id is the address of a metadata document, the client is renewed (`document_gate`).
5. The parameters are checked, and the endpoint's view answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial, wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters

from tokens import conf, errors, parameters
from tokens.clients import authentication, registry
from tokens.clients.authentication import Credentials
from tokens.clients.second_try import FirstRefusal
from tokens.errors import OAuthError
from tokens.grants import request as client_request
from tokens.grants.request import ClientRequest
from tokens.keys import keyring
from tokens.keys.errors import NotReady
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.parameters import CLIENT
from tokens.views import caller, document_gate, limits, not_ready, refusal_store
from tokens.views.bodies import form_only
from tokens.views.refusals import refuse

View = Callable[[HttpRequest, ClientRequest], HttpResponse | Mapping[str, object]]
"""A view returns the members of its JSON answer, or a complete HttpResponse."""


def endpoint(
    *, rate: str, refused: str, accepts: frozenset[str], introduces: bool = False
) -> Callable[[View], Callable[[HttpRequest], HttpResponseBase]]:
    """Return a decorator for a view that takes a form by POST, with credentials and the parameters in `accepts`.

    `rate` is the name of the rate limit. Requests are counted for each client at each network address. A refusal is
    answered as in RFC 6749 section 5.2, and logged as the audit event `refused`. If no key may sign, the answer is 503.
    Django's error reports do not contain the form. If `introduces` is True, a client that is not stored yet can be
    created from its metadata document (`document_gate.introduce`).
    """

    def decorate(view: View) -> Callable[[HttpRequest], HttpResponseBase]:
        served = _Endpoint(view, rate, refused, accepts | CLIENT, introduces)
        dispatch = wraps(view)(sensitive_post_parameters()(served.dispatch))
        return csrf_exempt(form_only(refused)(dispatch))

    return decorate


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An endpoint for clients. The fields are the arguments of the decorator `endpoint`, and the decorated view."""

    view: View
    rate: str
    refused: str
    names: frozenset[str]
    introduces: bool

    def dispatch(self, http: HttpRequest) -> HttpResponse:
        """Return the answer to a request whose form is readable."""
        pairs = [(name, value) for name, value in parameters.sent(http) if value and name in self.names]
        form = dict(pairs)
        credentials = authentication.read(http.META.get("HTTP_AUTHORIZATION"), form)
        estimate = _estimated_now()
        # A second try has its secret in the body. It follows a request with the secret in the header.
        first = None if credentials.has_header else refusal_store.first(http, credentials, self.refused, now=estimate)
        if first is not None and first.is_final:
            return errors.refusal(first.again())
        name = caller.claimed(credentials, form) if credentials.name is None else credentials.name
        if first is None and (seconds := _must_wait(http, self.rate, name[: caller.LONGEST_NAME], now=estimate)):
            return errors.too_many(seconds)
        try:
            # Read again, because the cache of the rate limit can be slow. `clock` also refuses a clock that is wrong.
            now = keyring.clock(now=timezone.now())
            if ":" in name:  # the address of a metadata document
                gate = partial(document_gate.introduce, http) if self.introduces else document_gate.renew
                gate(name, by_header=credentials.has_header, now=now)
            answer = self.view(http, client_request.parse(http, pairs, credentials, now=now))
        except OAuthError as error:
            return _refuse(http, credentials, error, self.refused, first)
        except NotReady as error:
            return not_ready.answer(error)
        except TooMany as error:  # fetches of documents
            return errors.too_many(error.retry_after)
        return answer if isinstance(answer, HttpResponse) else JsonResponse(dict(answer), headers=errors.NO_STORE)


def _must_wait(http: HttpRequest, limit: str, claimed: str, *, now: datetime) -> int:
    """Count one request against the rate limit named `limit`, by client and network address.

    Returns the seconds after which the client may try again, or 0 if the client is within its limit or the cache does
    not answer. `claimed` is the unverified client_id. All client_ids that are not in this process's cache share one
    counter for each network address.
    """
    # With a counter for each of these names, a flood of invented names would fill the cache, or evict counters.
    name = claimed if registry.is_known(claimed) else ""
    address = rate_limit.address(http)
    try:
        rate_limit.count(limit, (name, address), conf.issuer().rate_limits[limit], now=now)
    except TooMany as error:
        limits.log(error, limit, address, subject=caller.subject(claimed), now=now)
        return error.retry_after
    except NotCounted:
        pass  # tokens and secrets are too long to guess, however often a client tries
    return 0


def _refuse(
    http: HttpRequest, credentials: Credentials, error: OAuthError, action: str, first: FirstRefusal | None
) -> HttpResponse:
    """Answer with the refusal `error`, and log it as the audit event `action`.

    If the request is a second try (`clients.second_try`), `first` is the refusal of the first request, else None. If
    both refusals have the same error code and reason, the second one is not logged.
    """
    if first is not None and first.is_repeated_by(error):
        return errors.refusal(error)
    # The instant of the refusal, not of the request: the time for a second try begins with the answer.
    refusal_store.remember(http, credentials, error, action, now=_estimated_now())
    name = None if credentials.name is None else credentials.name[: caller.LONGEST_NAME]
    return refuse(http, error, action, client=name)


def _estimated_now() -> datetime:
    return keyring.estimated_clock(now=timezone.now())
