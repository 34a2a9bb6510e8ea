"""The current state of the revocation feed, for one request of a reader."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.utils import timezone

from tests.tokens.feed_reader import claims_of, decode, entries_of, key
from tokens.issued import revocation_record
from tokens.keys import keyring
from tokens.keys.errors import NotReady, UnknownKey
from tokens.models import WaitingEntry
from tokens.revoking import current_feed, feed, feed_log
from tokens.revoking.feed_log import Version

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer", "no_documents")]


@pytest.fixture
def no_documents():
    feed.documents.forget()
    yield
    feed.documents.forget()


def current(ring="default"):
    return current_feed.current(ring, node_time=timezone.now())


def document(state, since=None):
    return state.document(since, node_time=timezone.now())


def revoke(name):
    revocation_record.revoke_token(name, expires_at=timezone.now() + timedelta(minutes=10))


def test_a_waiting_revocation_is_published_and_is_in_the_document():
    before = feed_log.head().version
    revoke("t-1")
    state = current()
    assert state.version.number == before.number + 1
    assert not WaitingEntry.objects.exists()
    content = claims_of(document(state, before).body.decode())
    assert (content["since"], set(entries_of(decode(content["entries"])))) == (str(before), {key("jti", "t-1")})


def test_a_reader_with_a_version_that_the_log_lacks_gets_the_full_state():
    revoke("t-1")
    content = claims_of(document(current(), Version(10**6, "A" * 11)).body.decode())
    assert "since" not in content
    assert set(entries_of(decode(content["entries"]))) == {key("jti", "t-1")}


def test_a_document_is_built_again_only_after_half_of_its_lifetime():
    state, now = current(), timezone.now()
    first = state.document(None, node_time=now)
    assert state.document(None, node_time=now + timedelta(minutes=4)) is first
    assert state.document(None, node_time=now + timedelta(minutes=6)) is not first


def test_without_a_key_that_may_sign_the_version_is_known_and_nothing_is_signed(monkeypatch):
    version = current().version
    monkeypatch.setattr(keyring, "for_readers", Mock(side_effect=NotReady("no key may sign right now")))
    state = current()
    assert state.version == version
    for refused in (state.require_signer, lambda: document(state)):
        with pytest.raises(NotReady, match="no key may sign right now"):
            refused()


def test_a_ring_that_does_not_exist_has_no_feed(monkeypatch):
    monkeypatch.setattr(keyring, "for_readers", Mock(side_effect=UnknownKey("no such ring")))
    with pytest.raises(UnknownKey):
        current("unknown")
