"""Login, password reset and sign-up do the same work for each name.

So neither the text nor the time of an answer reveals which users exist. The tests measure no time. They compare the SQL
statements of the request in their order, and the number of password hashes. A thread sends the mail, and the answer
does not wait for it.
"""

import re
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from tokens.account import mail_queue
from tokens.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer", "users")]
PASSWORD = "correct horse battery"
NAMES = ("known", "proven", "guarded", "operator", "disabled", "no-password", "unknown")
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+\b")
PAGES = {
    "login": ("/accounts/login/", "login", 1),
    "admin": ("/admin/login/", "username", 1),
    "reset": ("/accounts/password/reset/", "email", 0),
    "sign-up": ("/accounts/signup/", "email", 0),
}
"""The address of each page, its field for the name, and the password hashes that it computes."""


@pytest.fixture
def users(settings, monkeypatch):
    """Add a user for each of NAMES, except for `unknown`. No mail is sent."""
    settings.ISSUER = settings.ISSUER | {"SIGN_UP": True, "RATE_LIMITS": {"login": (1000, 60), "mail": (1000, 60)}}
    monkeypatch.setattr(mail_queue, "later", lambda _: None)
    kinds = {name: {} for name in NAMES if name != "unknown"}
    kinds |= {"operator": {"is_staff": True}, "disabled": {"is_active": False}}
    made = {
        name: User.objects.create_user(
            name, f"{name}@example.org", None if name == "no-password" else PASSWORD, **fields
        )
        for name, fields in kinds.items()
    }
    EmailAddress.objects.create(user=made["proven"], email="proven@example.org", verified=True)
    TOTP.activate(made["guarded"], generate_totp_secret())


def work(page, name):
    """Send the form of the page `page`, with `name` as the user's name or e-mail address.

    Return the answer, the SQL statements without their values, and the number of password hashes.
    """
    address, field, _ = PAGES[page]
    with (
        patch.object(MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode) as encode,
        CaptureQueriesContext(connection) as queries,
    ):
        answer = Browser().post(address, {field: name, "password": "wrong"})
    text = answer.content.decode().replace(name, "NAME")
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    statements = [LITERAL.sub("?", query["sql"]) for query in queries]
    return (answer.status_code, answer.get("Location"), text), statements, encode.call_count


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("ending", ["", "@example.org"], ids=["by name", "by address"])
def test_each_name_gets_the_same_answer_by_the_same_statements_and_hashes(page, ending):
    if not ending and PAGES[page][1] == "email":
        ending = "@EXAMPLE.org"
    expected = work(page, f"unknown{ending}")
    assert expected[0][0] in (200, 302)
    assert expected[2] == PAGES[page][2]
    assert {name: work(page, f"{name}{ending}") for name in NAMES} == dict.fromkeys(NAMES, expected)
