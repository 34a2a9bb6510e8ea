"""The issuer's metadata under its well-known addresses."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from tokens import conf
from tokens.models import Api, Scope
from tokens.oauth.metadata import document
from tokens.views.cors import public


@public
def metadata(_request: HttpRequest) -> HttpResponse:
    """One document for OAuth clients and for OpenID Connect's; public, and kept for five minutes."""
    scopes = Scope.objects.order_by("name").values_list("name", flat=True)
    apis = Api.objects.order_by("identifier").values_list("identifier", flat=True)
    headers = {"Cache-Control": "public, max-age=300"}
    return JsonResponse(document(conf.issuer().url, scopes=scopes, apis=apis), headers=headers)
