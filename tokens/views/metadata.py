"""The issuer's metadata under its well-known addresses."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from tokens import conf, errors
from tokens.keys.errors import NotReady
from tokens.metadata import catalog
from tokens.metadata.document import document
from tokens.views.cors import public


@public
def metadata(_request: HttpRequest) -> HttpResponse:
    """Return one document for OAuth and OpenID Connect clients. It is public, and cached for five minutes.

    Answers 503 and `no-store` if the database could not be read for N.
    """
    try:
        known = catalog.registered(now=timezone.now())
    except NotReady as error:
        body = {"error": "temporarily_unavailable", "error_description": f"Not known: {error}."}
        return errors.answer(body, 503, {"Retry-After": str(error.retry_after)}, reason=str(error))
    headers = {"Cache-Control": "public, max-age=300"}
    told = document(conf.issuer().url, scopes=known.scopes, apis=known.apis, algorithms=known.algorithms)
    return JsonResponse(told, headers=headers)
