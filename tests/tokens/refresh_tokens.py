"""Clients that get refresh tokens, and helpers for tests of refresh tokens."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from tests.tokens.factories import (
    allow,
    authorization,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
)
from tokens.clients import client_secret
from tokens.issued import one_time
from tokens.models import AuditEvent, RefreshToken

GRANTS = ("authorization_code", "refresh_token")
SCOPE = "openid notes:read notes:write offline_access"
LATE = timedelta(minutes=2)


def family_of(text):
    return text.partition(".")[0]


DAMAGES = {
    "a blank appended": lambda text: f"{text} ",
    "a blank before": lambda text: f" {text}",
    "the last character missing": lambda text: text[:-1],
    "the last character another one": lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
    "cut at 64 characters": lambda text: text[:64],
    "cut to its family": family_of,
    "a made-up second half": lambda text: f"{family_of(text)}.{one_time.new()}",
    "a made-up successor": lambda text: f"{family_of(text)}.1.{'A' * 32}.{'A' * 32}",
    "another generation": lambda text: text.replace(".0.", ".1."),
    "another case": lambda text: text.swapcase(),
    "twice in a row": lambda text: text + text,
    "the family of nobody": lambda text: "A" + text[1:] if text[0] != "A" else "B" + text[1:],
    "no family": lambda text: text[text.index(".") :],
}


@pytest.fixture
def app(apis):
    """Return a public client. Its refresh tokens rotate."""
    return make_client("app", *GRANTS, public=True)


@pytest.fixture
def server(apis):
    """Return a confidential client. Its refresh tokens do not rotate."""
    made = make_client("server", *GRANTS)
    made.plain = client_secret.create(made, now=timezone.now())
    return made


@pytest.fixture
def log_in_to(client, user, signer):
    """Return a function that lets the user allow a request of a client, and returns the token response."""

    def answer(of, scope=SCOPE, **changes):
        log_in(client, user, ago=100)
        code = parameters(allow(client, authorization(of, scope=scope, **changes)))["code"]
        return redeem(client, of, code).json()

    return answer


def refresh(browser, of, text, **changes):
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": of.client_id, **changes}
    if hasattr(of, "plain"):
        form["client_secret"] = of.plain
    return post(browser, "/oauth/token", form)


def error(answer):
    return answer.status_code, answer.json().get("error")


@pytest.fixture
def later(at):
    """Return a function that sets the clock of the token endpoint to a duration after the start of the test."""
    start = timezone.now()

    def wait(duration=timedelta(0)):
        at(start + duration)

    return wait


def reuse_events():
    return AuditEvent.objects.filter(action="grant.reuse_detected")


def keys(*entries):
    return override_settings(ISSUER=settings.ISSUER | {"KEY_ENCRYPTION_KEYS": list(entries)})


@pytest.fixture
def old(app, log_in_to):
    """Return a valid refresh token whose text and row have the form of an earlier version of the issuer."""
    log_in_to(app)
    family = one_time.new()
    text = f"{family}.{one_time.new()}"
    RefreshToken.objects.update(
        digest=one_time.digest(text), family=one_time.digest(family), generation=0, encryption_key_id=""
    )
    return text
