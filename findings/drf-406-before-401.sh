#!/usr/bin/env bash
# Django REST framework 3.18.3: content negotiation comes before authentication.
#
# Behaviour: a request without a token gets 401 with WWW-Authenticate from a view that demands one. If its Accept
# header allows no type that the view renders (only "text/html" at an API with JSON only), the answer is 406 without
# WWW-Authenticate, because the authentication never ran. A client that gets a new token on 401 does not get one, and
# a count of 401 misses the request. The handler (get, post, …) runs in neither case.
# One would guess that an API tells an unauthenticated client to authenticate before anything about formats.
# Remedy: a content_negotiation_class that falls back to the first renderer if none fits.
#
# Output seen:
#   Accept application/json: 401, WWW-Authenticate: Token, authentications: 1
#   Accept text/html: 406, WWW-Authenticate: None, authentications: 0
#   Accept text/html with the remedy: 401, WWW-Authenticate: Token, authentications: 1
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq django==5.2.19 djangorestframework==3.18.3

cat >"$work/trial.py" <<'PYTHON'
import logging

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for this trial",
    ALLOWED_HOSTS=["testserver"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    ROOT_URLCONF=__name__,
    LOGGING_CONFIG=None,
)
django.setup()
logging.disable()

from django.test import Client
from django.urls import path
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

authentications = []


class Counted(TokenAuthentication):
    """Count the authentications. No request of this trial carries a token, so no table is read."""

    def authenticate(self, request):
        authentications.append(request.path)
        return super().authenticate(request)


class FirstRenderer(DefaultContentNegotiation):
    """Fall back to the first renderer if the Accept header allows none."""

    def select_renderer(self, request, renderers, format_suffix=None):
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type


class Notes(APIView):
    authentication_classes = [Counted]
    permission_classes = [IsAuthenticated]
    renderer_classes = [JSONRenderer]

    def get(self, request):
        return Response([])


urlpatterns = [
    path("notes", Notes.as_view()),
    path("remedy", Notes.as_view(content_negotiation_class=FirstRenderer)),
]


def ask(title, address, accept):
    """Request the notes without a token and return status, challenge and the number of authentications."""
    authentications.clear()
    response = Client().get(address, headers={"Accept": accept})
    seen = response.status_code, response.headers.get("WWW-Authenticate"), len(authentications)
    print("{}: {}, WWW-Authenticate: {}, authentications: {}".format(title, *seen))
    return seen


seen = [
    ask("Accept application/json", "/notes", "application/json"),
    ask("Accept text/html", "/notes", "text/html"),
    ask("Accept text/html with the remedy", "/remedy", "text/html"),
]
if seen != [(401, "Token", 1), (406, None, 0), (401, "Token", 1)]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
