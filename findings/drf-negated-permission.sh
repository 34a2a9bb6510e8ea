#!/usr/bin/env bash
# Django REST framework 3.18.3: a permission that is negated with `~` refuses every single object.
#
# Behaviour: has_object_permission of BasePermission returns True, for permissions that do not depend on the object. NOT
# negates its answer, too. With ~IsService, a user gets 200 from a list and 403 from each object of it, although
# IsService reads the token alone. Issue 6598 of the project describes it.
# One would guess that a permission without has_object_permission says nothing about objects, negated or not, and a test
# of the list alone agrees.
# Remedy: has_object_permission of the negated permission returns self.has_permission(request, view).
#
# Output seen:
#   IsService: user 403 and 403, service 200 and 200 (list and object)
#   ~IsService: user 200 and 403, service 403 and 403 (list and object)
#   ~IsService, with the remedy: user 200 and 200, service 403 and 403 (list and object)
#
# Needs python3 with venv and pip. Opens no socket after the installation. Exits with 1 if the behaviour differs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq djangorestframework==3.18.3 django==5.2.19

cat >"$work/trial.py" <<'PYTHON'
from types import SimpleNamespace

import django
from django.conf import settings

settings.configure(REST_FRAMEWORK={"UNAUTHENTICATED_USER": None}, LOGGING_CONFIG=None)
django.setup()

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView


class Bearer(BaseAuthentication):
    """Accept the tokens "user" and "service"."""

    def authenticate(self, request):
        kind = request.headers["Authorization"].removeprefix("Bearer ")
        return SimpleNamespace(is_authenticated=True), SimpleNamespace(is_service=kind == "service")


class IsService(BasePermission):
    """Permit tokens of the client credentials grant."""

    def has_permission(self, request, view):
        return request.auth.is_service


class Remedy(IsService):
    """Answer for an object as for the request."""

    def has_object_permission(self, request, view, obj):
        return self.has_permission(request, view)


def statuses(permission, kind):
    """Return the statuses of a list and of an object, for a token of the kind."""

    class List(APIView):
        authentication_classes = [Bearer]
        permission_classes = [permission]

        def get(self, request):
            return Response([])

    class Detail(List):
        def get(self, request):
            self.check_object_permissions(request, object())  # as get_object() of the generic views does
            return Response({})

    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {kind}")
    return " and ".join(str(view.as_view()(request).status_code) for view in (List, Detail))


def outcome(label, permission):
    """Print and return what a user and a service get."""
    seen = f"user {statuses(permission, 'user')}, service {statuses(permission, 'service')}"
    print(f"{label}: {seen} (list and object)")
    return seen


seen = [
    outcome("IsService", IsService),
    outcome("~IsService", ~IsService),
    outcome("~IsService, with the remedy", ~Remedy),
]
if seen != [
    "user 403 and 403, service 200 and 200",
    "user 200 and 403, service 403 and 403",
    "user 200 and 200, service 403 and 403",
]:
    raise SystemExit("The behaviour has changed.")
PYTHON
"$work/venv/bin/python" "$work/trial.py"
