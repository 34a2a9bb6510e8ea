"""The keys for inspecting a token of another issuer, and what is reported if they cannot be fetched."""

import pytest

from tokens import outbound
from tokens.inspection import key_source
from tokens.outbound import FetchError

OAUTH = "https://issuer.example/.well-known/oauth-authorization-server/a"
OPENID = "https://issuer.example/a/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({OAUTH: FetchError("it answered 500"), OPENID: FetchError("it answered 404")}, "it answered 500"),
        ({OAUTH: FetchError("it answered 500"), OPENID: []}, "it answered 500"),
        ({OAUTH: [], OPENID: FetchError("it answered 404")}, "it answered 404"),
        ({OAUTH: [], OPENID: []}, "the metadata is not a JSON object"),
    ],
)
def test_the_first_error_is_reported_if_neither_address_has_the_metadata(monkeypatch, answers, message):
    fetched = []

    def get_json(url, *, allow_private):
        fetched.append(url)
        if isinstance(answers[url], FetchError):
            raise answers[url]
        return answers[url]

    monkeypatch.setattr(outbound, "get_json", get_json)
    with pytest.raises(FetchError) as raised:
        key_source.foreign("https://issuer.example/a", allow_private=False)
    assert (str(raised.value), fetched) == (message, [OAUTH, OPENID])
