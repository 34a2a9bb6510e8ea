"""The report on a token handles any text.

The admin's page shows the report, and the command exits with the code in the documented table.
"""

import base64
import json
import sys
from io import StringIO, TextIOWrapper

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens.fuzz import EXAMPLES, bounded
from tests.tokens.inspection.tokens import ISSUER, NOW, run
from tests.tokens.management.test_inspect_token import PAGE
from tokens.inspection import key_source
from tokens.inspection.report import Inspection, NoToken, inspect

STRANGE = [
    '"\\ud800"',
    '"\\u0000"',
    '"\\u001b[2J"',
    "1e400",
    "-1e400",
    "NaN",
    "9" * 400,
    "9" * 5000,
    "1e-320",
    "-0",
    "0",
]
NAMED = "alg kid typ crit b64 zip jku iss sub aud exp iat nbf jti act amr acr scope client_id auth_time grant_id"


def segment(text):
    return base64.urlsafe_b64encode(text.encode(errors="surrogatepass")).rstrip(b"=").decode()


def token(header="{}", claims="{}"):
    return f"{segment(header)}.{segment(claims)}.AA"


def listed(values):
    return f"[{','.join(values)}]"


def written(pairs):
    """Return the text of a JSON object with these members, in which a name can be repeated."""
    return f"{{{','.join(f'{name}:{value}' for name, value in pairs)}}}"


names = st.sampled_from([json.dumps(name) for name in NAMED.split()] + STRANGE[:3])
leaves = st.one_of(
    st.sampled_from(STRANGE),
    st.sampled_from(['"RS256"', '"EdDSA"', '"at+jwt"', '"none"', "1700000000", "true", "null", "[" * 500 + "]" * 500]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ).map(json.dumps),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3).map(listed) | st.lists(st.tuples(names, inner), max_size=3).map(written),
    max_leaves=6,
)
objects = st.lists(st.tuples(names, values), max_size=6).map(written)
documents = st.one_of(objects, values, st.text(max_size=20))


@pytest.mark.django_db
@bounded(EXAMPLES * 8)
@given(header=documents, claims=documents)
def test_for_any_token_the_page_answers_and_the_command_exits_by_its_table(admin_client, header, claims):
    text = token(header, claims)
    assert admin_client.post(PAGE, {"token": text}).status_code == 200, text
    with pytest.MonkeyPatch.context() as monkeypatch:
        code, said = run(monkeypatch, text)
        assert code in {0, 2, 3}, text
        assert all(line.isprintable() for line in said.split("\n")), "nothing in it commands a terminal"
        code, said = run(monkeypatch, text, "--json")
        assert code == 2 or json.loads(said, parse_constant=pytest.fail), "its JSON is JSON"


@pytest.mark.parametrize("strange", ['"\\ud800"', '"\\u0000"', "NaN", "1e400", "9" * 400, "[" * 40 + "]" * 40])
@pytest.mark.parametrize(
    "where", [{"header": '{"kid":%s}'}, {"claims": '{"iss":%s}'}, {"claims": '{"act":[{"x":%s}]}'}]
)
def test_a_token_with_text_that_cannot_be_stored_or_shown_is_refused(where, strange):
    text = token(**{part: document % strange for part, document in where.items()})
    with pytest.raises(NoToken, match=r"^its (header|payload) cannot be read: (a|it is|NaN)"):
        inspect(text, issuer=ISSUER, keys=[], now=NOW)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("e30=.e30.AA", "its header cannot be read: it is not canonical base64url without padding"),
        ("e30.é30.AA", "its payload cannot be read: it is no base64url"),
        ("e31.e30.AA", "its header cannot be read: it is not canonical base64url without padding"),
        (f"{segment('[]')}.e30.AA", "its header cannot be read: it is no JSON object"),
        (f"e30.{segment('7')}.AA", "its payload cannot be read: it is no JSON object"),
        (f"{base64.urlsafe_b64encode(b'{}' + bytes([255])).decode()}.e30.AA", "it is no UTF-8"),
        (f"{base64.urlsafe_b64encode('{}'.encode('utf-16')).decode().rstrip('=')}.e30.AA", "it is no UTF-8"),
    ],
)
def test_the_report_names_the_part_of_a_token_that_cannot_be_read(text, reason):
    with pytest.raises(NoToken, match=reason):
        inspect(text, issuer=ISSUER, keys=[], now=NOW)


def test_control_characters_in_a_claim_are_shown_escaped():
    report = inspect(token(claims='{"iss": "\\u001b[2J\\u202e"}'), issuer=ISSUER, keys=[], now=NOW)
    (detail,) = {point.detail for point in report.points if point.name == "iss is the issuer"}
    assert detail == '"\\u001b[2J\\u202e"'


@pytest.mark.django_db
def test_inspect_token_refuses_bytes_that_are_no_utf_8(monkeypatch, tmp_path):
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with (tmp_path / "token").open("rb") as raw:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(raw, encoding="utf-8"))
        with pytest.raises(CommandError, match="this is not a token: it is not text") as refused:
            call_command("inspect_token", stdout=StringIO())
    assert refused.value.returncode == 2


@pytest.mark.parametrize("url", ["https://[", "https://x:99999999", "x", "https://a b"])
def test_inspect_token_exits_4_for_a_malformed_issuer_address(monkeypatch, url):
    assert run(monkeypatch, token(), "--issuer", url)[0] == 4


@pytest.mark.parametrize(
    "strange", [{"iat": "x"}, {"iat": True}, {"iat": 1e18}, {"jti": 7}, {"sub": ["a"]}, {"client_id": {}}]
)
def test_a_token_with_malformed_claims_gets_no_point_about_revocation(strange):
    claims = {"jti": "1", "sub": "s", "client_id": "c", "iat": 1_700_000_000} | strange
    signed = Inspection(header={}, claims=claims, signature="verified", key_phase="signing", points=[])
    assert key_source.with_revocation(signed) == signed
