"""The issuer's metadata at its well-known addresses (RFC 8414, OpenID Connect Discovery 1.0)."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from tokens import conf, errors
from tokens.keys.errors import NotReady
from tokens.metadata import catalog
from tokens.metadata.document import document
from tokens.views.cors import public


@public
def metadata(_request: HttpRequest) -> HttpResponse:
    """Return one document for OAuth and OpenID Connect clients, which caches may keep for five minutes.

    Answers 503 and `no-store` if this process could not read the database for the time N (docs/key-rotation.md).
    """
    try:
        catalogue = catalog.registered(now=timezone.now())
    except NotReady as error:
        body = {"error": "temporarily_unavailable", "error_description": f"The metadata is not available: {error}."}
        return errors.answer(body, 503, {"Retry-After": str(error.retry_after)}, reason=str(error))
    headers = {"Cache-Control": "public, max-age=300"}
    content = document(
        conf.issuer().url,
        scopes=catalogue.scopes,
        apis=catalogue.apis,
        algorithms=catalogue.algorithms,
        open_clients=conf.issuer().open_clients,
        must_be_pushed=conf.issuer().requests.must_be_pushed,
    )
    languages = {"ui_locales_supported": list(conf.issuer().languages)}
    return JsonResponse(content | languages, headers=headers)
