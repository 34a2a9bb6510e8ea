"""For each rule of docs/revocation-feed.md section 3, a document that passes and a document that fails."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from resources.feed.revocation_feed import (
    MAX_DOCUMENT,
    BadFeed,
    Document,
    FeedState,
    Segment,
    check_segment,
    number,
    read_document,
)
from resources.keysets.key_pins import PinnedKeys
from resources.revocations.revocation_key import key
from resources.revocations.revocation_set import EMPTY, ENTRY, LAYOUT
from resources.testing import SigningKey, at, compact, shared_key
from tests.resources.feeds import base64url, digest, document, entry, version
from tests.resources.test_verify import ISSUER, NOW, OTHER, UNTRUSTED, T, keys, token, trust

RSA = shared_key()
SECOND = SigningKey(private=UNTRUSTED.private)
NO_STATE = FeedState()
STATE = FeedState(version=version(5), iat=T - 10, exp=T + 590)
TOKEN_ENTRY = entry("jti", "one", until=T + 600)


def made(*entries: bytes, signer: SigningKey = RSA, at: int = T, **changes: Any) -> bytes:
    return document(*entries, signer=signer, issuer=ISSUER, at=at, **changes)


def read(body: bytes, *, state: FeedState = NO_STATE, ring: str = "default") -> Document:
    return read_document(body, trust(), ring=ring, state=state, now=NOW)


def test_a_full_state_is_read() -> None:
    segment = TOKEN_ENTRY * 3
    expected = Document(
        version(7), T, T + 600, is_delta=False, entries=TOKEN_ENTRY, segments=(Segment(digest(segment), 3),), more=False
    )
    assert read(made(TOKEN_ENTRY, segments=(segment,))) == expected


def test_a_delta_starts_at_the_reader_s_version() -> None:
    delta = read(made(TOKEN_ENTRY, since=version(5), more=True), state=STATE)
    assert (delta.is_delta, delta.version, delta.more) == (True, version(7), True)
    assert read(made(TOKEN_ENTRY, since=version(5), version=version(5)), state=STATE).version == version(5)


def test_a_full_state_may_go_back() -> None:
    """The issuer's database has lost transactions, so the version of the feed goes back.

    The reader accepts the state, and logs an error (docs/revocation-feed.md section 3).
    """
    assert read(made(TOKEN_ENTRY, version=version(3, "BBBBBBBBBBB")), state=STATE).version.startswith("3.")
    assert (number(version(3)), number("")) == (3, -1)


def test_unknown_claims_are_ignored() -> None:
    assert read(made(TOKEN_ENTRY, future={"a": 1})).entries == TOKEN_ENTRY


def test_a_document_of_one_mebibyte_is_read_and_one_byte_more_is_refused() -> None:
    room = (MAX_DOCUMENT - len(made(filler=""))) * 3 // 4
    bodies = {len(body): body for body in (made(filler="a" * (room + more)) for more in range(8))}
    assert read(bodies[MAX_DOCUMENT]).version == version(7)
    with pytest.raises(BadFeed, match="too long"):
        read(bodies[MAX_DOCUMENT + 1])


BAD: dict[str, Callable[[], bytes]] = {
    "3.1 nothing": lambda: b"",
    "3.1 HTML": lambda: b"<html></html>",
    "3.1 not ASCII": lambda: b"\xff",
    "3.1 a line feed at the end": lambda: made(TOKEN_ENTRY) + b"\n",
    "3.1 too long": lambda: made(filler="a" * MAX_DOCUMENT),
    "3.1 an access token": lambda: token().encode(),
    "3.1 another type": lambda: made(head={"typ": "JWT"}),
    "3.1 the former type": lambda: made(head={"typ": "revocations+jwt"}),
    "3.2 alg none": lambda: made(head={"alg": "none"}),
    "3.2 an unknown kid": lambda: made(signer=UNTRUSTED),
    "3.2 another's signature": lambda: made(signer=SigningKey(private=UNTRUSTED.private, kid=RSA.kid)),
    "3.3 another issuer": lambda: made(iss=OTHER),
    "3.3 no issuer": lambda: made(iss=None),
    "3.3 another ring": lambda: made(ring="orders"),
    "3.3 no ring": lambda: made(ring=None),
    "3.4 no iat": lambda: made(iat=None),
    "3.4 iat true": lambda: made(iat=True),
    "3.4 61 s of the future": lambda: made(at=T + 61),
    "3.4 no exp": lambda: made(exp=None),
    "3.4 exp a string": lambda: made(exp=str(T + 300)),
    "3.4 ended 60 s ago": lambda: made(exp=T - 60),
    "3.5 no version": lambda: made(version=None),
    "3.5 a version without a tag": lambda: made(version="7"),
    "3.5 a version with a leading zero": lambda: made(version=version(7).replace("7", "07")),
    "3.5 a version with a line feed": lambda: made(version=version(7) + "\n"),
    "3.5 a delta for a reader without a version": lambda: made(since=version(5)),
    "3.6 no entries": lambda: made(entries=None),
    "3.6 entries a list": lambda: made(entries=[]),
    "3.6 entries cut short": lambda: made(entries=base64url(TOKEN_ENTRY[:-1])),
    "3.6 entries with padding": lambda: made(entries="AA=="),
    "3.6 entries that are no base64url": lambda: made(entries="A"),
    "3.6 more entries than fit": lambda: made(entries=base64url(bytes(ENTRY * 16_385))),
    "3.6 segments a number": lambda: made_segments(7),
    "3.6 a segment without a count": lambda: made_segments([[digest(TOKEN_ENTRY)]]),
    "3.6 a segment of true entries": lambda: made_segments([[digest(TOKEN_ENTRY), True]]),
    "3.6 a segment of no entries": lambda: made_segments([[digest(TOKEN_ENTRY), 0]]),
    "3.6 a segment of too many entries": lambda: made_segments([[digest(TOKEN_ENTRY), 16_385]]),
    "3.6 a digest that is a path": lambda: made_segments([["../" + digest(TOKEN_ENTRY)[3:], 1]]),
    "3.6 a digest too short": lambda: made_segments([[digest(TOKEN_ENTRY)[1:], 1]]),
    "3.6 too many segments": lambda: made_segments([[digest(TOKEN_ENTRY), 1]] * 257),
    "more is a number": lambda: made(more=1),
}


def made_segments(value: object) -> bytes:
    """Return a document of the feed whose member `segments` is `value`."""
    claims = {"iss": ISSUER, "iat": T, "exp": T + 600, "ring": "default", "version": version(7), "entries": ""}
    head = {"typ": "revocation-feed+jwt", "alg": RSA.algorithm, "kid": RSA.kid}
    return compact(head, claims | {"segments": value}, key=RSA).encode()


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_breaks_a_rule_is_refused(name: str) -> None:
    with pytest.raises(BadFeed):
        read(BAD[name]())


@pytest.mark.parametrize(
    "edge",
    [
        pytest.param(lambda: made(at=T + 60), id="60 s of the future"),
        pytest.param(lambda: made(exp=T - 59), id="ended 59 s ago"),
        pytest.param(lambda: made(head={"typ": "application/revocation-feed+jwt"}), id="the type in full"),
        pytest.param(lambda: made(entries=""), id="no entries"),
        pytest.param(lambda: made(entries=base64url(bytes(ENTRY * 16_384))), id="as many entries as fit"),
        pytest.param(lambda: made_segments([[digest(TOKEN_ENTRY), 16_384]] * 256), id="as many segments as fit"),
    ],
)
def test_a_document_at_the_limit_of_a_rule_is_accepted(edge: Callable[[], bytes]) -> None:
    assert read(edge())


def test_a_replayed_document_is_refused() -> None:
    state = replace(STATE, iat=T)
    assert read(made(TOKEN_ENTRY, since=version(5)), state=state)
    assert read(made(TOKEN_ENTRY, at=T - 60), state=state), "two processes of an issuer sign at their own times"
    for changes in ({"since": version(5)}, {}):
        with pytest.raises(BadFeed, match="older than the last one"):
            read(made(TOKEN_ENTRY, at=T - 61, **changes), state=state)


def test_a_delta_of_another_version_or_that_goes_back_is_refused() -> None:
    for since in (version(4), version(5, "BBBBBBBBBBB"), version(6), 5, False, ""):
        with pytest.raises(BadFeed, match="another version"):
            read(made(TOKEN_ENTRY, since=since), state=STATE)
    with pytest.raises(BadFeed, match="goes back"):
        read(made(TOKEN_ENTRY, since=version(5), version=version(4)), state=STATE)


def test_a_document_for_another_ring_is_refused() -> None:
    assert read(made(TOKEN_ENTRY, ring="orders"), ring="orders")
    with pytest.raises(BadFeed, match="another ring"):
        read(made(TOKEN_ENTRY), ring="orders")


def test_a_document_signed_by_a_revoked_key_is_refused() -> None:
    issuer = trust(keys=keys(RSA, SECOND))
    stolen = EMPTY.merged(LAYOUT.pack(key("kid", RSA.kid), T + 600, 0), now=T)
    for signer, good in ((SECOND, True), (RSA, False)):
        body = made(signer=signer)
        if good:
            assert read_document(body, issuer, ring="default", state=FeedState(stolen), now=NOW)
            continue
        with pytest.raises(BadFeed, match="revoked key"):
            read_document(body, issuer, ring="default", state=FeedState(stolen), now=NOW)


def test_a_segment_must_have_the_signed_digest_and_length() -> None:
    body = TOKEN_ENTRY + entry("jti", "two", until=T + 600)
    check_segment(body, Segment(digest(body), 2))
    for wrong, named in (
        (body[:-1], digest(body)),
        (body + TOKEN_ENTRY, digest(body)),
        (body, digest(TOKEN_ENTRY)),
        (b"", digest(b"")),
    ):
        with pytest.raises(BadFeed):
            check_segment(wrong, Segment(named, 2))


def test_key_pins_verify_a_document_too() -> None:
    assert isinstance(trust().keys, PinnedKeys)
    assert read_document(made(TOKEN_ENTRY), trust(), ring="default", state=FeedState(), now=at(T + 1))
