"""Users of a German page or mail are addressed by "Sie" everywhere."""

import re
from gettext import GNUTranslations
from pathlib import Path

import allauth
import pytest
from django.core import mail
from django.utils import translation

from tests import catalogue
from tokens.views.allauth_texts import TEXTS

FAMILIAR = re.compile(
    r"\b(du|dein\w*|dich|dir|musst|kannst|hast|bist|Bitte (gib|wähle|bestätige|habe)|versuche)\b", re.IGNORECASE
)
ALLAUTH_CATALOGUE = Path(allauth.__file__).parent / "locale/de/LC_MESSAGES/django.mo"
USED = ("account/adapter.py", "account/forms.py", "mfa/adapter.py", "mfa/base/forms.py")
"""Modules of django-allauth whose texts its forms show. Its pages are replaced by those of this app."""
NOT_SHOWN = {
    # This issuer has one e-mail address for each user, and no page that removes it or adds another.
    "You cannot remove your primary email address.",
    "You cannot add more than %d email addresses.",
    "Your primary email address must be verified.",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_says_sie_where_that_of_allauth_says_du(text):
    with ALLAUTH_CATALOGUE.open("rb") as file:
        assert FAMILIAR.search(GNUTranslations(file).gettext(text))
    with translation.override("de"):
        assert not FAMILIAR.search(translation.gettext(text))


def test_no_text_of_a_form_of_allauth_says_du(tmp_path):
    source = (ALLAUTH_CATALOGUE.with_suffix(".po")).read_text(encoding="utf-8")
    shown = [
        block
        for block in source.split("\n\n")
        if any(f"#: {name}" in block for name in USED) and "msgctxt" not in block
    ]
    kept = tmp_path / "shown.po"
    kept.write_text("\n\n".join(shown), encoding="utf-8")
    texts = {entry.msgid for entry in catalogue.read(kept)} - NOT_SHOWN
    assert len(texts) > 30
    with translation.override("de"):
        assert [text for text in texts if FAMILIAR.search(translation.gettext(text))] == []


@pytest.mark.django_db
def test_the_mail_of_a_password_reset_says_sie(client, user):
    headers = {"Accept": "text/html", "Accept-Language": "de"}
    client.post("/accounts/password/reset/", {"email": "ada@example.org"}, headers=headers)
    (message,) = mail.outbox
    assert "Passwort" in message.body
    assert not FAMILIAR.search(message.subject + message.body)
