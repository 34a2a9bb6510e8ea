"""The users who can log in. A failed login reveals no user, by its answer or by timing."""

import re
from unittest.mock import patch

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import context
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client, RequestFactory

from tokens.login import find, folded
from tokens.models import User

PASSWORD = "correct horse battery"
PAGES = {"/accounts/login/": "login", "/admin/login/": "username"}


def refusal(client: Client, login: str, password: str) -> tuple[int, list[str]]:
    answer = client.post("/accounts/login/", {"login": login, "password": password})
    return answer.status_code, re.findall(r'role="alert".*?</', answer.content.decode(), re.DOTALL)


@pytest.mark.django_db
def test_an_inactive_user_an_unknown_user_and_a_wrong_password_get_the_same_answer(client: Client) -> None:
    User.objects.create_user("open", password=PASSWORD)
    User.objects.create_user("closed", password=PASSWORD, is_active=False)
    answers = [refusal(client, *tried) for tried in [("open", "wrong"), ("nobody", PASSWORD), ("closed", PASSWORD)]]
    assert answers[0][0] == 200
    assert answers[0][1]
    assert answers == [answers[0]] * 3
    assert "_auth_user_id" not in client.session


@pytest.fixture
def users(db):
    """Create an active user, a disabled one, one without a password, and two with the same e-mail address."""
    for name, fields in {
        "ada": {"is_staff": True},
        "closed": {"is_active": False, "is_staff": True},
        "federated": {"is_staff": True},
    }.items():
        User.objects.create_user(name, f"{name}@example.org", PASSWORD, **fields)
    federated = User.objects.get(username="federated")
    federated.set_unusable_password()
    federated.save()
    User.objects.create_user("twin1", "twins@example.org", PASSWORD)
    User.objects.create_user("twin2", "twins@example.org", PASSWORD)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("named", "password"),
    [
        pytest.param(named, password, id=f"{named}-{word}")
        for named in (
            "ada",
            "ADA",
            "ada@example.org",
            "closed",
            "closed@example.org",
            "federated",
            "federated@example.org",
            "nobody",
            "nobody@example.org",
            "twins@example.org",
        )
        for word, password in (("right", PASSWORD), ("wrong", "wrong"))
    ],
)
def test_every_login_hashes_one_password_and_runs_the_same_statements(
    client, users, page, named, password, django_assert_num_queries
):
    with patch.object(MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode) as encode:
        answer = client.post(page, {PAGES[page]: named, "password": password})
    assert encode.call_count == 1
    with django_assert_num_queries(3):
        find(named, mail=named)
    knows = named in {"ada", "ADA", "ada@example.org"} and password == PASSWORD
    assert answer.status_code == (302 if knows else 200)
    assert ("_auth_user_id" in client.session) is knows


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("ada", "ada"),
        ("Ada", "Ada"),
        ("aDA", None),
        ("ada@example.org", "bob"),
        ("ADA@EXAMPLE.ORG", "bob"),
        ("old@example.org", None),
        ("checked@example.org", "bob"),
        ("twins@example.org", None),
        ("closed@example.org", "eve"),
    ],
)
@pytest.mark.django_db
def test_a_username_comes_before_an_address_and_an_ambiguous_one_matches_no_user(named, expected):
    User.objects.create_user("ada", "own@example.org")
    User.objects.create_user("Ada")
    bob = User.objects.create_user("bob", "ada@example.org")
    EmailAddress.objects.create(user=bob, email="old@example.org", verified=False)
    EmailAddress.objects.create(user=bob, email="checked@example.org", verified=True)
    EmailAddress.objects.create(user=bob, email="ada@example.org", verified=True)
    User.objects.create_user("twin1", "twins@example.org")
    User.objects.create_user("twin2", "twins@example.org")
    User.objects.create_user("closed", "closed@example.org", is_active=False)
    User.objects.create_user("eve", "closed@example.org")
    match = find(named, mail=named)
    assert (match.username if match else None) == expected


@pytest.mark.django_db
def test_a_username_that_looks_like_an_address_is_a_username_first():
    User.objects.create_user("ada@example.org", "else@example.org", PASSWORD)
    User.objects.create_user("bob", "ada@example.org", "another password")
    assert authenticate(None, username="ada@example.org", email="ada@example.org", password="another password") is None
    assert authenticate(None, username="ada@example.org", password=PASSWORD).username == "ada@example.org"


@pytest.mark.parametrize(
    "spelling", ["ada", "ADA", " ada\t", "\uff41\uff44\uff41", "\uff21da", "\u24d0\u24d3\u24d0", "\u3000ada"]
)
def test_spellings_that_the_admin_s_form_unites_are_the_same_username(spelling):
    assert folded(spelling) == "ada"


COMPOSED, DECOMPOSED = "Jos\u00e9", "Jose\u0301"


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED, f" {DECOMPOSED} ", "\uff2a\uff4f\uff53\u00e9"], ids=ascii)
@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED], ids=ascii)
@pytest.mark.parametrize("by", ["name", "mail", "proven mail"])
def test_a_username_and_an_address_are_found_in_each_spelling_on_both_login_pages(client, page, typed, stored, by):
    """The login finds each Unicode spelling. Neither the database nor the forms need to normalize what is typed."""
    fields = {"name": {"username": stored}, "mail": {"username": "x", "email": f"{stored}@example.org"}}
    user = User.objects.create(is_staff=True, **fields.get(by, {"username": "x"}))
    user.set_password(PASSWORD)
    user.save()
    if by == "proven mail":
        EmailAddress.objects.create(user=user, email=f"{stored}@example.org", verified=True)
    form = {PAGES[page]: typed if by == "name" else f"{typed.rstrip()}@example.org", "password": PASSWORD}
    assert client.post(page, form).status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["Jose", "Jose\u0300"], ids=ascii)
def test_a_letter_with_another_accent_makes_another_username(typed):
    User.objects.create_user(COMPOSED, f"{COMPOSED}@example.org", PASSWORD)
    for named in (typed, f"{typed}@example.org"):
        assert authenticate(None, username=named, password=PASSWORD) is None


@pytest.mark.django_db
def test_two_users_whose_names_are_spelled_differently_only_each_log_in_as_typed():
    for number, name in enumerate([COMPOSED, DECOMPOSED]):
        User.objects.create(username=name, email=f"{number}@example.org")
    assert find(COMPOSED, mail=COMPOSED).username == COMPOSED
    assert find(DECOMPOSED, mail=DECOMPOSED).username == DECOMPOSED


@pytest.mark.django_db
@pytest.mark.parametrize(("named", "expected"), [("ADMIN", "admin"), ("adm\u0131n", None)])
def test_usernames_that_only_the_database_treats_as_the_same_are_different(named, expected):
    """The login compares the usernames again that the database finds, because UPPER maps \u0131 to I, too."""
    User.objects.create_user("admin")
    by_name, no_users = User.objects.all(), User.objects.none()
    with patch.object(User.objects, "filter", lambda *_, **by: no_users if by else by_name):
        match = find(named, mail=named)
    assert (match.username if match else None) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(("mail", "expected"), [("VIC.tim@x.example", "vic"), ("vic.t\u0131m@x.example", None)])
@pytest.mark.parametrize("proven", [False, True])
def test_addresses_that_only_the_database_treats_as_the_same_are_different(mail, expected, proven):
    vic = User.objects.create_user("vic", "" if proven else "vic.tim@x.example")
    if proven:
        EmailAddress.objects.create(user=vic, email="vic.tim@x.example", verified=True)
    addresses, users = EmailAddress.objects.select_related("user"), User.objects.exclude(email="")
    with (
        patch.object(EmailAddress.objects, "filter", lambda *_, **__: addresses),
        patch.object(User.objects, "filter", lambda *_, **by: FakeQuerySet(users) if by else User.objects.none()),
    ):
        match = find("nobody", mail=mail)
    assert (match.username if match else None) == expected


class FakeQuerySet:
    """A fake query set. Its method `filter` returns `users`, for any arguments."""

    def __init__(self, users):
        self.filter = lambda *_: users


@pytest.mark.django_db
@pytest.mark.parametrize(
    "credentials",
    [{}, {"username": "ada"}, {"password": PASSWORD}, {"token": "x"}, {"username": "", "password": PASSWORD}],
)
def test_credentials_of_another_kind_match_no_user(users, credentials):
    assert authenticate(None, **credentials) is None


@pytest.mark.django_db
def test_a_user_reauthenticates_by_password(users):
    request = RequestFactory().post("/")
    with context.request_context(request):
        ada = User.objects.get(username="ada")
        assert get_adapter().reauthenticate(ada, PASSWORD)
        assert not get_adapter().reauthenticate(ada, "wrong")
