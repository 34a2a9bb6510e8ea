"""The API's local user for a token's (iss, sub) is looked up, created or refused.

A service has no local user. If a service sends the request, `request.user` is a TokenUser.
"""

from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DataError
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.views import APIView

from resources import local_users
from resources.authentication import JWTAuthentication
from resources.errors import InvalidToken, Reason
from resources.principal import AccessToken, TokenUser
from resources.testing import bearer, mint, pinned
from resources.user_links.models import UserLink

ISSUER = "http://localhost:8000"
FIELDS = {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "last_name"}
TABLE = {"LINK_TABLE": True}

pytestmark = pytest.mark.django_db(databases=["default"])


class Who(APIView):
    def get(self, request: Any) -> Response:
        return Response([type(request.user).__name__, getattr(request.user, "username", "")])


def call(*, local: dict[str, Any], **claims: Any) -> Any:
    with pinned(LOCAL_USERS=local):
        return Who.as_view()(RequestFactory().get("/", headers=bearer(mint(**claims))))


def refused(answer: Any) -> bool:
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    return (answer.status_code, answer.data["detail"]) == (401, "The token's subject may not use this API")


def a_user(name: str, iss: str, sub: str, *, local: dict[str, Any], **more: Any) -> Any:
    if local == FIELDS:
        return get_user_model().objects.create(username=name, first_name=iss, last_name=sub, **more)
    user = get_user_model().objects.create(username=name, **more)
    UserLink.objects.create(iss=iss, sub=sub, user=user)
    return user


@pytest.mark.parametrize("local", [FIELDS, TABLE])
def test_a_user_is_looked_up_by_issuer_and_subject_together(local: dict[str, Any]) -> None:
    a_user("alice", ISSUER, "sub-alice", local=local)
    a_user("elsewhere", "https://other.example", "sub-bob", local=local)
    a_user("gone", ISSUER, "sub-gone", local=local, is_active=False)
    assert call(local=local, sub="sub-alice").data == ["User", "alice"]
    for sub in ("sub-bob", "sub-gone", "alice", "unknown", "SUB-ALICE", "sub-alice "):
        assert refused(call(local=local, sub=sub)), sub


@pytest.mark.parametrize("local", [FIELDS, TABLE, {**FIELDS, "CREATE": True}, {**TABLE, "CREATE": True}])
def test_a_service_is_accepted_and_is_no_local_user(local: dict[str, Any]) -> None:
    assert call(local=local, sub="robot", client_id="robot").data == ["TokenUser", ""]
    assert get_user_model().objects.count() == 0


@pytest.mark.parametrize("local", [FIELDS, TABLE])
def test_a_new_subject_becomes_a_user_once(local: dict[str, Any]) -> None:
    local = {**local, "CREATE": True}
    first, again = (call(local=local, sub="sub-new").data for _ in range(2))
    assert first == again
    (user,) = get_user_model().objects.all()
    assert first == ["User", user.username]
    assert not user.has_usable_password()
    assert call(local=local, sub="sub-newer").data != first
    assert get_user_model().objects.count() == 2


@pytest.mark.parametrize("local", [FIELDS, TABLE])
def test_a_new_subject_is_not_linked_to_an_existing_user_by_name(local: dict[str, Any]) -> None:
    """A token with a new subject is refused if a user with the name of the new user exists already.

    Otherwise, an attacker who has registered this name would share a local user with the subject.
    """
    with pinned():
        token = AccessToken({"iss": ISSUER, "sub": "sub-victim", "client_id": "app"}, "k", frozenset(), "")
        name = local_users.new_user(token).get_username()
    get_user_model().objects.create(username=name)
    assert refused(call(local={**local, "CREATE": True}, sub="sub-victim"))
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize("local", [FIELDS, TABLE])
def test_a_disabled_user_is_refused_and_not_created_again(local: dict[str, Any]) -> None:
    a_user("gone", ISSUER, "sub-gone", local=local, is_active=False)
    assert refused(call(local={**local, "CREATE": True}, sub="sub-gone"))
    assert get_user_model().objects.count() == 1


def by_email(token: AccessToken) -> Any:
    """Return a new, unsaved user whose name is the token's email. Returns None if the token has no email.

    It is an example of the function that a project can write.
    """
    if not token.claims.get("email"):
        return None
    return get_user_model()(username=token.claims["email"])


def test_a_project_s_own_function_creates_users_and_refuses_some() -> None:
    local = {**TABLE, "CREATE": f"{__name__}.by_email"}
    assert call(local=local, sub="a", email="ada@example.com").data == ["User", "ada@example.com"]
    assert call(local=local, sub="a").data == ["User", "ada@example.com"]
    assert refused(call(local=local, sub="b"))
    assert refused(call(local=local, sub="c", email="ada@example.com")), "the name is another subject's"


def test_two_simultaneous_requests_get_the_same_new_user() -> None:
    find = local_users._find
    calls = []

    def late(*args: Any) -> Any:
        """Find no user in the first look-up, because another request commits between the look-up and the insert."""
        calls.append(args)
        return None if len(calls) == 1 else find(*args)

    a_user("first", ISSUER, "sub-new", local=TABLE)
    with patch.object(local_users, "_find", late):
        assert call(local={**TABLE, "CREATE": True}, sub="sub-new").data == ["User", "first"]
    assert get_user_model().objects.count() == 1


def test_a_database_that_compares_without_regard_to_case_finds_no_other_subject() -> None:
    user = a_user("alice", ISSUER, "sub-Alice", local=FIELDS)
    with patch("django.db.models.query.QuerySet.filter", lambda self, **_: self):
        assert refused(call(local=FIELDS, sub="sub-alice"))
        assert call(local=FIELDS, sub="sub-Alice").data == ["User", user.username]


def test_a_subject_that_the_field_cannot_hold_is_refused() -> None:
    local = {"ISSUER_FIELD": "first_name", "SUBJECT_FIELD": "sub"}  # a UUID
    assert refused(call(local=local, sub="no-uuid"))


class Staff(JWTAuthentication):
    """The authentication class of the example in docs/resource-server.md."""

    def user(self, token: AccessToken) -> Any:
        if token.claims["iss"] != ISSUER:
            raise InvalidToken(Reason.SUBJECT, "iss")
        return TokenUser(f"staff:{token.claims['sub']}", token.claims["iss"], token.claims["client_id"])


class ForStaff(APIView):
    authentication_classes = [Staff]

    def get(self, request: Any) -> Response:
        return Response(str(request.user))


@pytest.mark.parametrize("local", [{}, TABLE])
def test_a_subclass_can_map_a_token_to_a_user(local: dict[str, Any]) -> None:
    def call_staff(**claims: Any) -> Any:
        return ForStaff.as_view()(RequestFactory().get("/", headers=bearer(mint(**claims))))

    other = "https://other.example"
    with pinned(LOCAL_USERS=local):
        assert call_staff(sub="ada").data == "staff:ada"
        assert call_staff(sub="robot", client_id="robot").data == "staff:robot"
    with pinned(LOCAL_USERS=local, ISSUERS=[other]), pinned(LOCAL_USERS=local):
        assert refused(call_staff(sub="ada", iss=other))


@pytest.mark.django_db(databases=["default", "api"])
def test_the_migrations_of_the_link_table_are_complete() -> None:
    call_command("makemigrations", "resources_user_links", check=True, dry_run=True, verbosity=0)


def test_a_subject_that_fits_no_field_is_refused_and_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A token whose subject is too long for the user model is refused, and the subject is not logged.

    The test raises the error of PostgreSQL, because SQLite does not limit the length of a text.
    """
    too_long = DataError("value too long for type character varying(150)")
    with patch.object(get_user_model(), "save", side_effect=too_long):
        assert refused(call(local={**FIELDS, "CREATE": True}, sub="a-long-subject"))
    assert "a field of the user model is too short (DataError)" in caplog.text
    assert "a-long-subject" not in caplog.text
