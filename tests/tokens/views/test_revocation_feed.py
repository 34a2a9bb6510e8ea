"""The revocation feed over HTTP: full states, deltas, segments, and conditional requests."""

import hashlib
import json
from datetime import timedelta
from unittest.mock import Mock

import jwt
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.clock import clocks_at
from tests.tokens.feed_reader import Reader, claims_of, decode, entries_of, key
from tokens.audit import jobs, trail
from tokens.issued import revocation_record
from tokens.keys import keyring, publication
from tokens.keys.errors import NotReady
from tokens.models import Publication, RevocationLog, Segment, WaitingEntry
from tokens.revoking import feed as revocation_feed
from tokens.revoking import feed_log, feed_publisher

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer", "no_documents")]

PATH = "/oauth/revocations"
TAG = "A" * 11


@pytest.fixture
def no_documents():
    revocation_feed.documents.forget()
    yield
    revocation_feed.documents.forget()


def feed(browser, since="", **extra):
    return browser.get(PATH, {"since": since} if since else {}, **extra)


def claims(browser, since=""):
    return claims_of(feed(browser, since).content.decode())


def revoke(*names):
    for name in names:
        revocation_record.revoke_token(name, expires_at=timezone.now() + timedelta(minutes=10))


def keys_in(document):
    return set(entries_of(decode(document["entries"])))


def test_the_full_state_is_a_signed_document_of_its_own_type(client, signer):
    revoke("t-1")
    response = feed(client)
    assert (response.status_code, response["Content-Type"]) == (200, "application/revocation-feed+jwt")
    assert response["Cache-Control"] == "public, max-age=1"
    text = response.content.decode()
    assert jwt.get_unverified_header(text) == {"alg": "RS256", "kid": "test-key", "typ": "revocation-feed+jwt"}
    content = jwt.decode(text, signer.private.public_key(), algorithms=["RS256"])
    assert content.keys() == {"iss", "iat", "exp", "ring", "version", "entries"}
    assert (content["iss"], content["ring"], content["exp"] - content["iat"]) == (
        "http://localhost:8000",
        "default",
        600,
    )
    assert response["ETag"] == f'W/"{content["version"]}"'
    assert keys_in(content) == {key("jti", "t-1")}


def test_the_feed_has_no_identifier_in_clear(client, user):
    revocation_record.revoke_users([str(user.sub)], now=timezone.now())
    revocation_record.revoke_client("webapp", now=timezone.now())
    revoke("t-1")
    content = claims(client)
    packed = decode(content["entries"])
    for name in (str(user.sub), "webapp", "t-1", user.sub.hex):
        assert name.encode() not in packed
        assert name not in json.dumps(content)
    assert keys_in(content) == {key("sub", str(user.sub)), key("client", "webapp"), key("jti", "t-1")}


def test_an_entry_has_its_two_instants(client):
    now = timezone.now()
    revocation_record.revoke_users(["ada"], now=now)
    [(until, before)] = entries_of(decode(claims(client)["entries"])).values()
    assert before == int(now.timestamp()) + 1
    assert until == -int(-(before + revocation_record.acceptance_after_issue().total_seconds()) // 1)


def test_a_delta_has_what_was_published_since(client):
    revoke("a", "b")
    first = claims(client)
    revoke("c")
    second = claims(client, first["version"])
    assert (second["since"], keys_in(second)) == (first["version"], {key("jti", "c")})
    assert keys_in(claims(client)) == {key("jti", name) for name in "abc"}
    third = claims(client, second["version"])
    assert (third["version"], third["since"], third["entries"]) == (second["version"], second["version"], "")


def test_a_longer_revocation_of_the_same_thing_is_in_the_next_delta(client):
    now = timezone.now()
    revocation_record.revoke_users(["ada"], now=now)
    reader = Reader(client)
    reader.poll()
    revocation_record.revoke_users(["ada"], now=now)
    assert reader.poll() == 304, "that changes nothing"
    revocation_record.revoke_users(["ada"], now=now + timedelta(seconds=5))
    assert reader.poll() == 200
    assert reader.held[key("sub", "ada")][1] == int(now.timestamp()) + 6


def test_the_full_state_has_an_entry_that_waits_to_be_published_again(client):
    """An entry that was published, and whose change is not published yet, is in the full state as it was published.

    So a reader that starts at this moment has the same entries as the other readers.
    """
    now = timezone.now()
    revocation_record.revoke_users(["ada"], now=now)
    feed_publisher.publish(now=now)
    revocation_record.revoke_users(["ada"], now=now + timedelta(seconds=5))
    assert set(entries_of(feed_log.changes(None, now=now, sealed=0).entries)) == {key("sub", "ada")}


def test_the_feed_has_the_latest_entry_of_a_thing_that_was_revoked_twice(client):
    now = timezone.now()
    for later in (0, 60, 120):
        revocation_record.revoke_users(["ada"], now=now + timedelta(seconds=later))
        feed_publisher.publish(now=now)
    [(_, before)] = entries_of(feed_log.changes(None, now=now, sealed=0).entries).values()
    assert before == int(now.timestamp()) + 121


def test_a_delta_has_all_changes_even_if_part_of_them_was_sealed_since(client, monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 10)
    revoke(*map(str, range(8)))
    since = claims(client)["version"]
    revoke(*map(str, range(8, 14)))
    content = claims(client, since)
    assert Segment.objects.count() == 1
    assert ("segments" in content, keys_in(content)) == (False, {key("jti", str(number)) for number in range(8, 14)})


@pytest.mark.parametrize("kind", ["another tag", "another number", "too old"])
def test_a_version_that_the_log_does_not_have_gets_the_full_state(client, kind):
    """Readers can have an unknown version after a failover that lost transactions, or after a backup was restored."""
    revoke("a")
    first = claims(client)["version"]
    revoke("b")
    claims(client)
    number, _, tag = first.partition(".")
    if kind == "too old":
        Publication.objects.filter(version=number).delete()
    since = {"another tag": f"{number}.{'A' * 11}", "another number": f"9{number}.{tag}"}.get(kind, first)
    content = claims(client, since)
    assert "since" not in content
    assert keys_in(content) == {key("jti", "a"), key("jti", "b")}


@pytest.mark.parametrize(
    "since",
    [
        *("", "1", "x", "1.", f".{TAG}", "1.short", f"01.{TAG}", f"-1.{TAG}", f"1.{TAG}A", "1.AAAAA AAAAA"),
        *(f"{'9' * 19}.{TAG}", f"\N{ARABIC-INDIC DIGIT ONE}.{TAG}", f"1.{TAG}\n"),
    ],
)
def test_a_malformed_version_is_an_invalid_request(client, since):
    answer = client.get(PATH, {"since": since})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer["Cache-Control"] == "no-store"


def test_an_address_of_too_many_parameters_is_an_invalid_request(client, caplog):
    answer = client.get(f"/oauth/revocations?{'a=b&' * 1001}")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert not [record for record in caplog.records if record.exc_info]


def test_a_repeated_version_is_an_invalid_request(client):
    since = claims(client)["version"]
    assert client.get(PATH, {"since": [since, since]}).status_code == 400
    assert client.get(PATH, {"since": since, "other": "x"}).status_code == 200


def test_an_unchanged_poll_is_304_by_one_statement(client):
    revoke("a")
    reader = Reader(client)
    reader.poll()
    with CaptureQueriesContext(connection) as queries:
        assert reader.poll() == 304
    assert len(queries) == 1


def test_a_delta_reads_the_head_once_and_takes_five_statements(client):
    """Each SQL statement adds to the CPU time of a delta. Five keep it under 5 ms for 100 entries on a busy machine."""
    revoke("a")
    reader = Reader(client)
    reader.poll()
    revoke("b")
    with CaptureQueriesContext(connection) as queries:
        assert reader.poll() == 200
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert sum("waitingentry ORDER BY id LIMIT 1)" in statement for statement in statements) == 1
    assert len(statements) <= 5, statements
    assert set(reader.held) == {key("jti", "a"), key("jti", "b")}


def test_a_document_is_built_once_for_its_version_ring_and_since(client, monkeypatch):
    revoke("a")
    since = claims(client)["version"]
    revoke("b")
    built = []
    changes = feed_log.changes_to
    monkeypatch.setattr(feed_log, "changes_to", lambda *args, **more: built.append(args) or changes(*args, **more))
    bodies = {feed(client, since).content for _ in range(3)} | {feed(client).content for _ in range(3)}
    assert (len(built), len(bodies)) == (2, 2)
    revoke("c")
    feed(client)
    assert len(built) == 3


def test_a_document_is_signed_again_before_it_ends(client):
    revoke("a")
    first, start = claims(client), timezone.now()
    with clocks_at(start + timedelta(seconds=290)):
        assert claims(client) == first
    with clocks_at(start + timedelta(seconds=301)):
        second = claims(client)
    assert second["exp"] - first["exp"] >= 300
    assert {**second, "iat": 0, "exp": 0} == {**first, "iat": 0, "exp": 0}


def test_one_request_reads_the_clock_of_the_node_once(client, monkeypatch):
    read, real = [], timezone.now
    monkeypatch.setattr("tokens.views.revocation_feed.timezone", Mock(now=lambda: read.append(real()) or read[-1]))
    feed(client)
    assert len(read) == 1
    assert trail.last_seen[jobs.POLLED] == read[0]


def test_a_document_of_a_key_that_no_longer_signs_is_not_served(client, signer, monkeypatch):
    first = feed(client).content
    other = type(signer)()
    other.kid = "other-key"
    monkeypatch.setattr(keyring, "signer", lambda ring="default", *, now: other)
    assert jwt.get_unverified_header(feed(client).content.decode())["kid"] == "other-key"
    assert feed(client).content != first


def test_the_cache_of_documents_is_bounded(client):
    documents = revocation_feed.Documents(max_bytes=1000)
    wanted = revocation_feed.Edition(feed_log.Version(1, "A" * 11), "k")
    now = timezone.now()

    def build(size):
        return lambda: revocation_feed.Document(wanted, now + timedelta(minutes=5), b"x" * size)

    for number in range(10):
        documents.get((str(number), None), wanted, now=now, build=build(300))
    assert [number for number in range(10) if documents.find((str(number), None), wanted, now=now)] == [7, 8, 9]
    assert documents.find(("7", None), wanted, now=now)
    documents.get(("10", None), wanted, now=now, build=build(300))
    assert documents.find(("7", None), wanted, now=now), "the one that was requested most recently"
    assert documents.find(("8", None), wanted, now=now) is None
    documents.get(("large", None), wanted, now=now, build=build(5000))
    assert documents.find(("large", None), wanted, now=now)
    assert documents.find(("9", None), wanted, now=now) is None


def test_an_expired_entry_is_removed_from_the_feed(client):
    long_ago = timezone.now() - revocation_record.acceptance_after_expiry()
    revocation_record.revoke_token("ended", expires_at=long_ago - timedelta(seconds=5))
    revocation_record.revoke_token("live", expires_at=long_ago + timedelta(seconds=30))
    assert keys_in(claims(client)) == {key("jti", "live")}


def test_more_than_a_segment_is_sealed_and_fetched_by_its_digest(client, monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 10)
    reader, late = Reader(client), Reader(client)
    reader.poll()
    names = [str(number) for number in range(35)]
    revoke(*names[:15])
    reader.poll()
    revoke(*names[15:])
    assert reader.poll() == 200
    late.poll()
    assert reader.held == late.held
    assert set(late.held) == {key("jti", name) for name in names}
    assert len(late.received) == 35, "each once; a delta may repeat what is in the same segment"
    assert list(Segment.objects.order_by("version").values_list("count", flat=True)) == [10, 10, 10]
    assert reader.full_reads == 1
    assert len(claims(client)["segments"]) == 3
    assert len(claims(client, late.version).get("segments", [])) == 0


def test_one_request_publishes_a_bounded_number_and_says_that_there_is_more(client, monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 10)
    revoke(*map(str, range(45)))
    first = claims(client)
    assert (first["more"], sum(count for _, count in first["segments"])) == (True, 30)
    second = claims(client, first["version"])
    assert "more" not in second
    assert not WaitingEntry.objects.exists()


def test_a_segment_is_the_same_for_every_ring_and_immutable(client, monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    revoke("a", "b", "c")
    [[digest, _]] = claims(client)["segments"]
    answer = client.get(f"{PATH}/segments/{digest}")
    assert (answer["Content-Type"], answer["Cache-Control"]) == (
        "application/octet-stream",
        "public, max-age=86400, immutable",
    )
    assert hashlib.sha256(answer.content).digest() == decode(digest)
    assert client.get(f"{PATH}/orders/segments/{digest}").content == answer.content
    assert client.get(f"{PATH}/segments/{digest}", headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert client.get(f"{PATH}/segments/{digest[:-1]}").status_code == 404
    assert client.get(f"{PATH}/segments/{'A' * 43}").status_code == 404


def test_a_segment_whose_entries_have_all_expired_is_no_longer_listed(client, monkeypatch):
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    revoke("a", "b", "c")
    assert len(claims(client)["segments"]) == 1
    Segment.objects.update(until=int(timezone.now().timestamp()))
    revocation_feed.documents.forget()
    assert "segments" not in claims(client)


def test_a_feed_log_that_grows_too_long_is_an_error_in_the_log(client, monkeypatch, caplog):
    monkeypatch.setattr(feed_log, "SEGMENT", 2)
    monkeypatch.setattr(feed_publisher, "MANY_SEGMENTS", 2)
    revoke("a", "b", "c")
    claims(client)
    assert "revocation feed" not in caplog.text
    revoke("d", "e", "f")
    claims(client)
    assert "The revocation feed has 2 segments" in caplog.text


def test_a_log_without_a_head_begins_again(client):
    RevocationLog.objects.all().delete()
    revoke("a")
    assert keys_in(claims(client)) == {key("jti", "a")}


def test_an_address_over_its_rate_limit_is_refused_except_for_304(client, settings, at):
    at(timezone.now())
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": {"revocations": (2, 60), "segments": (1, 60)}}
    tag = feed(client)["ETag"]
    feed(client)
    answer = feed(client)
    assert (answer.status_code, answer["Cache-Control"]) == (429, "no-store")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert feed(client, HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert feed(client, REMOTE_ADDR="192.0.2.7").status_code == 200
    assert [client.get(f"{PATH}/segments/{'A' * 43}").status_code for _ in range(2)] == [404, 429]


def test_a_reader_with_the_current_etag_gets_304(client):
    tag = feed(client)["ETag"]
    assert feed(client, HTTP_IF_NONE_MATCH=tag).status_code == 304
    revoke("a")
    changed = feed(client, HTTP_IF_NONE_MATCH=tag)
    assert (changed.status_code, changed["ETag"] != tag) == (200, True)


def test_no_feed_is_signed_if_no_key_may_sign(client, monkeypatch):
    def refuse(ring="default", *, now):
        raise NotReady("no key may sign right now")

    monkeypatch.setattr(keyring, "signer", refuse)
    response = feed(client)
    assert (response.status_code, response["Cache-Control"]) == (503, "no-store")
    assert client.post(PATH).status_code == 405


@pytest.mark.parametrize("condition", ["{tag}", "{strong}", '"other", {tag}', '"other",{strong} ', "*"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_the_feed_compares_tags_weakly(client, condition, method):
    """The rule for If-None-Match is in RFC 9110 section 13.1.2."""
    whole = feed(client)
    tag = whole["ETag"]
    condition = condition.format(tag=tag, strong=tag.removeprefix("W/"))
    answer = getattr(client, method)(PATH, HTTP_IF_NONE_MATCH=condition)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert answer["Cache-Control"] == whole["Cache-Control"]


@pytest.mark.parametrize("condition", ['"other"', 'W/"other"', "", "nonsense", "{bare}"])
def test_a_reader_with_another_etag_gets_the_feed(client, condition):
    condition = condition.format(bare=feed(client)["ETag"].removeprefix("W/").strip('"'))
    assert feed(client, HTTP_IF_NONE_MATCH=condition).status_code == 200


@pytest.mark.parametrize("header", ["if-modified-since", "if-unmodified-since"])
@pytest.mark.parametrize("path", ["/oauth/revocations", "/.well-known/jwks.json"])
def test_a_condition_on_a_date_is_ignored(client, signer, path, header, monkeypatch):
    """The rules for conditions on a date are in RFC 9110 sections 13.1.3 and 13.1.4."""
    monkeypatch.setattr(publication, "jwks_and_age", lambda ring="default", *, now: ((signer.public,), 300))
    assert client.get(path, headers={header: "Thu, 01 Jan 1970 00:00:00 GMT"}).status_code == 200


def test_a_feed_is_not_signed_for_a_reader_with_the_current_etag(client, monkeypatch):
    tag = feed(client)["ETag"]
    monkeypatch.setattr(revocation_feed, "sign", None)
    assert feed(client, HTTP_IF_NONE_MATCH=tag).status_code == 304


def test_a_reader_with_the_current_etag_gets_304_while_no_key_may_sign(client, monkeypatch):
    tag = feed(client)["ETag"]

    def refuse(ring="default", *, now):
        raise NotReady("no key may sign right now")

    monkeypatch.setattr(keyring, "signer", refuse)
    assert feed(client, HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert feed(client, HTTP_IF_NONE_MATCH='"other"').status_code == 503
