"""The URLs of the website: the front page, URLs for the tests, and the URLs that the documentation page adds."""

import site_urls
from django.apps import apps
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import path

NAMES = ("username", "email", "first_name", "last_name")
BUTTON = '<form method="post" action="{{ action }}">{% csrf_token %}</form>'


def front(request: HttpRequest) -> JsonResponse:
    """Return the logged-in user as JSON."""
    return JsonResponse({name: getattr(request.user, name, "") for name in NAMES})


def session(request: HttpRequest) -> JsonResponse:
    """Return the values in the session as JSON: those that the documentation page's views have stored."""
    return JsonResponse(dict(request.session.items()))


def tokens(request: HttpRequest) -> JsonResponse:
    """Return the tokens that the client library has stored for the user, as JSON."""
    if apps.is_installed("allauth"):
        kept = request.user.socialaccount_set.get().socialtoken_set.get()
        return JsonResponse({"access_token": kept.token, "refresh_token": kept.token_secret})
    if apps.is_installed("social_django"):
        extra = request.user.social_auth.get().extra_data
        return JsonResponse({name: extra.get(name) for name in ("access_token", "refresh_token", "id_token")})
    return JsonResponse({"access_token": request.session["oidc_access_token"]})


def refresh(request: HttpRequest) -> HttpResponse:
    """Make the access token expire, refresh the tokens as the documentation page says, and return them as JSON."""
    from social_django.utils import load_strategy  # noqa: PLC0415 (only a site with social-auth has it)

    login = request.user.social_auth.get()
    login.extra_data["auth_time"] = 1
    login.get_access_token(load_strategy(request))
    return tokens(request)


def expire(request: HttpRequest) -> HttpResponse:
    """Make the session of mozilla-django-oidc expire, so that the next request renews it."""
    request.session["oidc_id_token_expiration"] = 0
    return HttpResponse()


def button(request: HttpRequest) -> HttpResponse:
    """Return a page with a form without fields, which posts to the URL in the parameter `action`."""
    return HttpResponse(Template(BUTTON).render(RequestContext(request, {"action": request.GET["action"]})))


urlpatterns = [
    *site_urls.urlpatterns,
    path("", front),
    path("session", session),
    path("tokens", tokens),
    path("refresh", refresh),
    path("expire", expire),
    path("button", button),
]
