"""Fixtures: clients and APIs, a signing key for tests, and functions by which a client gets a token."""

import json
from urllib.parse import urlencode

import jwt
import pytest
from django.test import Client as Browser

from tests import prepared_keys
from tests.tokens.factories import (
    API,
    OTHER_API,
    TestSigner,
    allow,
    authorization,
    log_in,
    make_api,
    make_client,
    make_user,
    parameters,
    with_secret,
)
from tokens.account import mail_queue
from tokens.audit import trail
from tokens.clients import registry
from tokens.keys import keyring, publication
from tokens.parameters import FORM
from tokens.revoking import feed


@pytest.fixture(autouse=True)
def empty_registry():
    """Empty the cache of registered clients before each test."""
    registry.forget()


@pytest.fixture(autouse=True)
def rings_draw_prepared_keys():
    """Make key rings use prepared keys instead of new ones.

    Empties the cache of feed documents first, because another test can have signed them with the same keys.
    """
    feed.documents.forget()
    with prepared_keys.drawn():
        yield


@pytest.fixture(autouse=True)
def forms_are_sent_as_browsers_send_them(monkeypatch):
    """Send forms URL-encoded, as browsers do.

    Django's test client sends multipart/form-data, which no form of the issuer uses.
    """
    send = Browser.post

    def post(self, path, data=None, content_type=FORM, **extra):
        is_form = content_type == FORM and not isinstance(data, str | bytes)
        return send(self, path, urlencode(data or {}, doseq=True) if is_form else data, content_type, **extra)

    monkeypatch.setattr(Browser, "post", post)


@pytest.fixture(autouse=True)
def lines_are_written_at_once(request, monkeypatch):
    """Write lines of the audit log at once instead of after the commit, because a test's transaction never commits.

    Does nothing for a test with real commits, or with the fixture django_capture_on_commit_callbacks.
    """
    marker = request.node.get_closest_marker("django_db")
    real = "django_capture_on_commit_callbacks" in request.fixturenames or (marker and marker.kwargs.get("transaction"))
    if not real:
        monkeypatch.setattr(trail.transaction, "on_commit", lambda line, **_: line())


@pytest.fixture
def audit_lines(caplog):
    """Return a function that returns the lines of the audit log about the given action."""
    caplog.set_level("INFO", logger="tokens.audit")

    def read(action):
        lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "tokens.audit"]
        return [line for line in lines if line["action"] == action]

    return read


@pytest.fixture(scope="session")
def test_signer():
    return TestSigner()


@pytest.fixture
def signer(test_signer, monkeypatch):
    monkeypatch.setattr(keyring, "signer", lambda ring="default", *, now: test_signer)
    monkeypatch.setattr(publication, "published", lambda ring="default", *, now: (test_signer.public,))
    for name in ("clock", "carried_clock", "estimated_clock"):
        monkeypatch.setattr(keyring, name, lambda *, now: now)
    for name in ("for_audience", "for_client", "for_operator"):
        # looked up when called: a test can replace `signer`
        monkeypatch.setattr(
            keyring, name, lambda audience, *, now: keyring.Signing("default", keyring.signer(now=now), now)
        )
    monkeypatch.setattr(keyring, "client_rings", lambda *, now: ("default",))
    monkeypatch.setattr(publication, "trusted_rings", lambda audience, *, now: ("default",))
    return test_signer


@pytest.fixture
def decode(signer):
    """Return a function that verifies a token with PyJWT, and returns its header and claims."""

    def read(token, audience):
        claims = jwt.decode(token, signer.private.public_key(), algorithms=["RS256"], audience=audience)
        return jwt.get_unverified_header(token), claims

    return read


@pytest.fixture
def apis(db):
    return {API: make_api(API, "notes:read", "notes:write"), OTHER_API: make_api(OTHER_API, "other:read")}


@pytest.fixture
def user(db):
    return make_user()


@pytest.fixture
def service(apis):
    """Return a confidential client with the client credentials grant. Its secret is `.plain`."""
    return with_secret(make_client("service", "client_credentials"))


@pytest.fixture
def webapp(apis):
    return with_secret(make_client("webapp", "authorization_code"))


@pytest.fixture
def spa(apis):
    return make_client("spa", "authorization_code", public=True)


@pytest.fixture
def code(client, user):
    """Return a function that lets the user allow a request of a client, and returns the authorization code."""

    def fetch(of, **changes):
        log_in(client, user)
        return parameters(allow(client, authorization(of, **changes)))["code"]

    return fetch


@pytest.fixture(autouse=True)
def mail_at_once(monkeypatch):
    """Send mail in the thread of the test, because another thread would not see the test's transaction."""
    monkeypatch.setattr(mail_queue, "later", mail_queue.do)
