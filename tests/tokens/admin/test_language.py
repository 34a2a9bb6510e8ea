"""Each page of the admin is in the language of the browser. No text stays in English.

Each text that Django translates for a page is put in brackets. Each word outside of brackets must be data: a value of a
database row, or a name that is the same in each language.
"""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone, translation

from tests.tokens.factories import make_client, operation, redeem
from tokens.keys import rotation
from tokens.models import (
    ClientSecret,
    DeviceCode,
    ExchangePolicy,
    InitialAccessToken,
    LogoutMessage,
    OpenClient,
    RefreshToken,
    Ring,
    Scope,
    SigningKey,
    User,
)
from tokens.recipes import catalog

pytestmark = pytest.mark.django_db
SILENT = {"script", "style", "code", "pre", "textarea"}
TEXT_ATTRIBUTES = {"alt", "aria-label", "placeholder", "title"}
BRACKETS = re.compile(r"⟦[^⟦⟧]*⟧")
BETWEEN = "\x1f"
WORD = re.compile(r"[^\W\d_]{3,}")
OBJECT = re.compile(r"\w+ object \(\d+\)")
"""The name that Django gives a row of a table without a name of its own."""
SAME = {"Keyturn", "UTC", "client_id", "kid", "Django", "EdDSA"}
"""Names that are the same in each language."""
OTHER_APPS = ("Django OAuth Toolkit", "Notes", "Users of issuers")
"""Apps whose tables have no page."""
SHOWN_WITHIN = (RefreshToken, Scope, ClientSecret)
"""Tables on the page of another one."""
UNTRANSLATED = {
    *("API", "APIs", "acr", "amr", "kid", "PKCE", "Ring", "Scope", "Scopes", "Client", "Clients", "Token", "Tokens"),
    *("Header", "Claims", "Name", "Status", "Audience", "Segment", "Version", "Secrets", "Jobs", "MFA"),
    *(
        "April",
        "August",
        "September",
        "November",
        "Django",
        "Go",
        "Java",
        "Node.js",
        "Python",
        "Administration",
        "FAPI 2.0 Security Profile",
    ),
}
"""Texts that are the same in German."""


class Shown(HTMLParser):
    """Collects the texts of an HTML page that users read or hear, except code and the choices of select fields."""

    def __init__(self):
        super().__init__()
        self.texts, self.silent = [], 0

    def handle_starttag(self, tag, attrs):
        self.silent += tag in SILENT
        given = dict(attrs)
        self.texts += [given[name] or "" for name in TEXT_ATTRIBUTES & given.keys()]
        if tag == "input" and given.get("type") == "submit":
            self.texts.append(given.get("value") or "")

    def handle_endtag(self, tag):
        self.silent -= tag in SILENT

    def handle_data(self, data):
        if not self.silent:
            self.texts.append(data)


@pytest.fixture
def in_brackets(monkeypatch):
    """Make Django put each translated text in brackets.

    Returns a mapping from each text that was translated to its German translation.
    """
    translations = {}
    functions = translation._trans

    def wrap(name, texts):
        original = getattr(functions, name)

        def answer(*args):
            text = original(*args)
            translations[args[texts]] = text
            return f"⟦{text}⟧"

        monkeypatch.setattr(functions, name, answer)

    for name, texts in (("gettext", 0), ("pgettext", 1), ("ngettext", 0), ("npgettext", 1)):
        wrap(name, texts)
    return translations


@pytest.fixture
def rows(client, webapp, code, signer):
    """Create database rows, so that each page of the admin has one."""
    now = timezone.now()
    rotation.rotate(operation(), early=True)
    assert redeem(client, webapp, code(webapp)).status_code == 200
    stranger = make_client("stranger", "authorization_code", public=True, registered_by="dynamic")
    OpenClient.objects.create(client=stranger, created_at=now, ends_at=now)
    InitialAccessToken.objects.create(
        digest="d",
        hint=SigningKey.objects.first().kid[6:10],
        note="note",
        created_at=now,
        expires_at=now + timedelta(days=1),
        registrations_left=3,
    )
    LogoutMessage.objects.create(client=stranger, sub="u", sid="s", created_at=now, give_up_at=now, dead_at=now)
    DeviceCode.objects.create(
        client=stranger, digest="d1", user_code_digest="d2", created_at=now, expires_at=now, interval=5
    )
    api = apps.get_model("tokens", "Api").objects.first()
    ExchangePolicy.objects.create(client=webapp, api=api)
    Group.objects.create(name="editors")
    user = User.objects.exclude(username="root").first()
    EmailAddress.objects.create(user=user, email="x@example.org")
    Authenticator.objects.create(user=user, type="totp", data={})


def pages():
    """Yield the addresses of all pages of the admin: those of each table, and those that belong to no table."""
    yield reverse("admin:index")
    yield reverse("admin:password_change")
    for model, page in django_admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        for row in list(page.model._default_manager.all()[:1]):
            yield from (reverse(f"{name}_{action}", args=[row.pk]) for action in ("change", "history", "delete"))
        yield reverse(f"{name}_add") + ("?all=1" if model.__name__ == "Client" else "")
    yield from (reverse(f"admin:tokens_{name}") for name in ("inspect", "revoke_all", "client_choose_kind"))
    for kind in ("web", "spa", "native", "service", "device", "api"):
        yield reverse("admin:tokens_client_add_kind", args=[kind])
    yield reverse("admin:tokens_ring_rotate", args=[Ring.objects.first().pk])
    yield reverse("admin:tokens_signingkey_revoke", args=[SigningKey.objects.order_by("announced_at").first().pk])
    yield reverse("admin:tokens_user_verify_email", args=[User.objects.exclude(username="root").first().pk])


def words(html, data):
    """Return the words of an HTML page that are neither translated nor in `data`."""
    shown = Shown()
    shown.feed(html)
    text = BETWEEN.join(shown.texts)
    while BRACKETS.search(text):  # a translated text can contain tags, and others
        text = BRACKETS.sub(" ", text)
    return [rest for part in text.split(BETWEEN) if WORD.search(rest := _rest(part, data))]


def _rest(text, data):
    # A shortened kid is random: it can contain a short value.
    text = " ".join(word for word in text.split() if not {"…", "*"} & {*word})
    for value in data:
        text = text.replace(value, " ")
    if text.lstrip().startswith(("{", *OTHER_APPS)):  # details of an event, permissions without a page
        return ""
    text = OBJECT.sub(" ", text)
    return " ".join(word for word in text.split() if word.strip(".,:;()") not in SAME)


def values():
    """Return each text that is stored in the database, the longest first."""
    stored_texts = set()
    for model in [*django_admin.site._registry, *SHOWN_WITHIN]:
        for row in model._default_manager.all()[:50]:
            texts = [str(row), *(str(getattr(row, field.attname)) for field in model._meta.concrete_fields)]
            stored_texts |= {
                part for text in texts for part in (text, *re.split(r"[\s,\[\]'\"{}]+", text)) if len(part) > 2
            }
    stored_texts |= {recipe.title for recipe in catalog.recipes().values()}
    return sorted(stored_texts, key=len, reverse=True)


def test_no_page_of_the_admin_has_a_text_in_english(rows, client, in_brackets):
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    data, left, seen = None, {}, 0
    for address in list(pages()):
        answer = client.get(address, HTTP_ACCEPT="text/html", HTTP_ACCEPT_LANGUAGE="de")
        data = data or values()
        if answer.status_code == 403:  # a read-only table
            continue
        assert answer.status_code == 200, address
        seen += 1
        if untranslated := words(answer.content.decode(), data):
            left[address] = untranslated
    assert {word for words in left.values() for word in words} == set(), left
    assert seen > 70
    english = {text for text, german in in_brackets.items() if text == german and WORD.search(text)} - UNTRANSLATED
    assert english == set()


def test_permissions_are_chosen_by_their_german_name(client):
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    page = client.get(
        reverse("admin:auth_group_add"), HTTP_ACCEPT="text/html", HTTP_ACCEPT_LANGUAGE="de"
    ).content.decode()
    assert "| Darf einen Signaturschlüssel widerrufen</option>" in page
    assert "| Kann Signaturschlüssel ändern</option>" in page
    assert "Can change" not in page
