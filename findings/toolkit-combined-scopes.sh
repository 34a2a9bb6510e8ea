#!/usr/bin/env bash
# django-oauth-toolkit 3.4.1 with Django REST framework 3.18.3: permissions in `&` lose the names of the missing scopes.
#
# Behaviour: with ERROR_RESPONSE_WITH_SCOPES, TokenHasScope sets its `message`, and a 403 lists required_scopes, from
# which a client knows what to request. The framework reads the message of the permission in the view's list. In
# IsAuthenticated & TokenHasScope that is the operator AND, which has none: the 403 has the default text alone. The list
# [IsAuthenticated, TokenHasScope] permits and refuses the same requests, and its 403 has the scopes. Issue 6427 of the
# framework is about the messages of permissions in general.
# One would guess that two spellings of one rule have the same answers, as their statuses are the same.
# Remedy: write a list where the rule is "all of them". For `|`, set the message in an exception handler.
#
# Output seen:
#   [TokenHasScope]: 403, required_scopes ['notes:write']
#   [IsAuthenticated, TokenHasScope]: 403, required_scopes ['notes:write']
#   [IsAuthenticated & TokenHasScope]: 403, required_scopes None
#   [TokenHasScope | IsAdminUser]: 403, required_scopes None
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq django-oauth-toolkit==3.4.1 djangorestframework==3.18.3 django==5.2.19

cat >"$work/trial.py" <<'PYTHON'
from datetime import timedelta

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider", "rest_framework"],
    OAUTH2_PROVIDER={"ERROR_RESPONSE_WITH_SCOPES": True},
    LOGGING_CONFIG=None,
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.models import User
from django.utils import timezone
from oauth2_provider.contrib.rest_framework import TokenHasScope
from oauth2_provider.models import AccessToken
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView


def outcome(label, permissions):
    """Send a valid token without the scope, and return the status and the scopes of the answer."""

    class View(APIView):
        permission_classes = permissions
        required_scopes = ["notes:write"]

        def get(self, request):
            return Response({})

    request = APIRequestFactory().get("/")
    token = AccessToken(scope="notes:read", expires=timezone.now() + timedelta(minutes=5))
    force_authenticate(request, User(username="user"), token)
    response = View.as_view()(request)
    scopes = response.data.get("required_scopes")
    scopes = scopes and [str(scope) for scope in scopes]
    print(f"{label}: {response.status_code}, required_scopes {scopes}")
    return response.status_code, scopes


seen = [
    outcome("[TokenHasScope]", [TokenHasScope]),
    outcome("[IsAuthenticated, TokenHasScope]", [IsAuthenticated, TokenHasScope]),
    outcome("[IsAuthenticated & TokenHasScope]", [IsAuthenticated & TokenHasScope]),
    outcome("[TokenHasScope | IsAdminUser]", [TokenHasScope | IsAdminUser]),
]
if seen != [(403, ["notes:write"]), (403, ["notes:write"]), (403, None), (403, None)]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
