"""The issuer reads the access tokens that it issued, and refuses every other text."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.tokens.factories import API
from tokens.issued import access_token, id_token, jws, token_reader
from tokens.issued.access_token import AccessToken
from tokens.issued.login import Login
from tokens.issued.token_reader import InvalidPresentedToken

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
LIFETIME = timedelta(minutes=10)
GOOD = AccessToken(
    issuer="http://localhost:8000",
    subject="ada",
    audience=API,
    client_id="webapp",
    scopes=("notes:read", "notes:write"),
    token_id="t-1",
    issued_at=NOW,
    lifetime=LIFETIME,
    grant_id="g-1",
)


def claims(**changes):
    return GOOD.claims(lifetime=LIFETIME) | changes


def test_a_token_is_read_as_it_was_minted(signer):
    token = token_reader.read(access_token.mint(GOOD, signer=signer).text, now=NOW)
    assert (token.kid, token.subject, token.audience, token.client_id) == ("test-key", "ada", API, "webapp")
    assert (token.token_id, token.grant_id, token.scopes) == ("t-1", "g-1", ("notes:read", "notes:write"))
    assert token.expires_at == NOW + LIFETIME


def test_a_token_is_refused_from_its_exp_on_unless_there_is_leeway(signer):
    text = access_token.mint(GOOD, signer=signer).text
    token_reader.read(text, now=NOW + LIFETIME - timedelta(seconds=1))
    with pytest.raises(InvalidPresentedToken, match="expired"):
        token_reader.read(text, now=NOW + LIFETIME)
    token_reader.read(text, now=NOW + LIFETIME, leeway=timedelta(seconds=1))


class OtherSigner:
    """A signer that names the kid of the issuer's key, but signs with another key."""

    kid = "test-key"
    algorithm = "RS256"
    max_lifetime = LIFETIME

    def sign(self, message):
        return b"x" * 256


class Unknown(OtherSigner):
    kid = "another"


class NoAlgorithm(OtherSigner):
    algorithm = "none"

    def sign(self, message):
        return b""


class OtherAlgorithm(OtherSigner):
    algorithm = "HS256"


REFUSED = {
    "an ID token": lambda signer: id_token.mint(
        id_token.IdToken(
            issuer="http://localhost:8000",
            subject="ada",
            client_id="webapp",
            issued_at=NOW,
            login=Login(NOW, "", ()),
            nonce="",
            access_token="a",
        ),
        signer=signer,
    ),
    "a JWT of another type": lambda signer: jws.sign(claims(), typ="revocations+jwt", signer=signer),
    "issued under another URL": lambda signer: jws.sign(claims(iss="http://x"), typ="at+jwt", signer=signer),
    "a signature with another key": lambda _: jws.sign(claims(), typ="at+jwt", signer=OtherSigner()),
    "an unknown kid": lambda _: jws.sign(claims(), typ="at+jwt", signer=Unknown()),
    "no signature": lambda _: jws.sign(claims(), typ="at+jwt", signer=NoAlgorithm()),
    "a symmetric algorithm": lambda _: jws.sign(claims(), typ="at+jwt", signer=OtherAlgorithm()),
    "another payload": lambda signer: _with_payload(jws.sign(claims(), typ="at+jwt", signer=signer)),
    "too long": lambda signer: jws.sign(claims(pad="x" * 8192), typ="at+jwt", signer=signer),
    "nothing": lambda _: "",
    "no JWT": lambda _: "abc",
    "not ASCII": lambda _: "é.é.é",
    "a surrogate": lambda _: "\ud800.\ud800.\ud800",
    "deep nesting": lambda _: f"{jws.encode(b'[' * 5000).decode()}.e30.e30",
    "a header that is no object": lambda _: "MQ.e30.e30",
    "a header that is no JSON": lambda _: "eyI.e30.e30",
}


def _with_payload(text):
    head, _, signature = text.split(".")
    return f"{head}.{jws.encode(b'{}').decode()}.{signature}"


@pytest.mark.parametrize("name", REFUSED)
def test_every_other_text_is_refused(signer, name):
    with pytest.raises(InvalidPresentedToken):
        token_reader.read(REFUSED[name](signer), now=NOW)
