"""The URLs of the example.

A public view, a view that the middleware protects, one that the decorator protects, django-ninja, and the view for
proxies.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from keyturn_resources.decorators import token_required
from keyturn_resources.forward_auth import forward_auth
from keyturn_resources.ninja import Refused, TokenAuth, answer
from keyturn_resources.permissions import HasScopes
from ninja import NinjaAPI

api = NinjaAPI(auth=TokenAuth(HasScopes("notes:read")))
api.add_exception_handler(Refused, answer)


@api.get("/whoami")
def whoami(request: HttpRequest) -> dict[str, str]:
    """Return the subject of the token, which django-ninja has verified."""
    return {"sub": request.auth.claims["sub"]}


@api.post("/notes", auth=TokenAuth(HasScopes("notes:write")))
def write(request: HttpRequest) -> dict[str, str]:
    """Return the subject of the token. Unlike `whoami`, this view requires the scope for writing."""
    return {"sub": request.auth.claims["sub"]}


def page(request: HttpRequest) -> HttpResponse:
    """Return the subject of the token as text.

    The path is below PATHS, so the middleware RequireToken has verified the token already.
    """
    return HttpResponse(request.auth.claims["sub"])


@token_required(HasScopes("notes:write"))
def export(request: HttpRequest) -> HttpResponse:
    """Return the subject of the token as text. The decorator requires the scope notes:write."""
    return HttpResponse(request.auth.claims["sub"])


def public(_request: HttpRequest) -> HttpResponse:
    """Answer any request, even if it carries no token. The path is not below PATHS."""
    return HttpResponse("public")


urlpatterns = [
    path("public/", public),
    path("pages/one/", page),
    path("pages/export/", export),
    path("ninja/", api.urls),
    # The three proxies set X-Forwarded-Method and X-Forwarded-Uri, also if the client sends such headers.
    path("forward-auth/", forward_auth(HasScopes("notes:read"), forwarded_target=True)),
    path("", include("keyturn_resources.urls")),
]
