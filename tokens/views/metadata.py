"""The issuer's metadata under its well-known addresses."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from tokens import conf
from tokens.models import Api, Scope
from tokens.oauth.metadata import document


@require_safe
def metadata(_request: HttpRequest) -> HttpResponse:
    """One document for OAuth clients and for OpenID Connect's; public, and kept for five minutes."""
    scopes = Scope.objects.order_by("name").values_list("name", flat=True)
    apis = Api.objects.order_by("identifier").values_list("identifier", flat=True)
    headers = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(document(conf.issuer().url, scopes=scopes, apis=apis), headers=headers)
