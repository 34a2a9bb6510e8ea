"""No input causes an error 500. Each address is requested by each method, with any headers, query and body.

FUZZ_EXAMPLES makes the run longer. The default takes some seconds.
"""

import base64
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.urls import URLPattern
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.tokens.factories import API, CALLBACK, CHALLENGE, basic, log_in, make_client
from tests.tokens.fuzz import EXAMPLES, FORM, bounded, judge, junk, tokens
from tokens import parameters
from tokens.clients import client_secret
from tokens.grants.table import GRANT_TYPES
from tokens.keys import keyring
from tokens.models import GrantType
from tokens.urls import urlpatterns

pytestmark = [pytest.mark.django_db, pytest.mark.urls("project.urls.issuer")]
PATHS = sorted(
    {"/admin/login/"}
    | {
        "/" + str(pattern.pattern).removeprefix("^").replace("<slug:ring>", "default")
        for pattern in urlpatterns
        if isinstance(pattern, URLPattern)
    }
)
NAMES = sorted(
    parameters.TOKEN
    | parameters.AUTHORIZATION
    | {"token", "token_type_hint", "user_code", "shown", "allow", "login", "username", "password"}
    | {"id_token_hint", "log_out", "post_logout_redirect_uri", "logout_hint", "user", "client"}
)


valid_values = st.sampled_from(
    [
        *GRANT_TYPES,
        "service",
        "public",
        "openid",
        "notes:read",
        "code",
        API,
        CALLBACK,
        CHALLENGE,
        "S256",
        "true",
        "none",
        "login",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "urn:ietf:params:oauth:token-type:access_token",
    ]
)
values = st.one_of(valid_values, junk, tokens)
pairs = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), values), max_size=8)
headers = st.dictionaries(
    st.sampled_from(
        [
            "HTTP_AUTHORIZATION",
            "HTTP_ACCEPT",
            "HTTP_ORIGIN",
            "HTTP_IF_NONE_MATCH",
            "HTTP_X_FORWARDED_FOR",
            "HTTP_COOKIE",
        ]
    ),
    st.one_of(
        junk,
        tokens.map(lambda text: f"Bearer {text}"),
        junk.map(lambda text: "Basic " + base64.b64encode(text.encode("utf-8", "replace")).decode()),
        st.sampled_from(['W/"x"', "*", "https://app.example", "null", "application/token-introspection+jwt"]),
    ),
    max_size=3,
)
bodies = st.one_of(
    pairs.map(lambda given: ("form", given)),
    st.tuples(
        st.sampled_from(
            [
                FORM,
                f"{FORM}; charset=utf-16",
                "multipart/form-data; boundary=x",
                "multipart/form-data",
                "application/json",
                "text/plain",
                "",
                "é",
            ]
        ),
        junk,
    ),
)


@pytest.fixture
def issuer(client, apis, user, settings):
    """Create clients of every kind and a key, with rate limits that the test does not reach.

    Return a browser in which the user is logged in, and the authentication of the client `service` as HTTP headers.
    """
    settings.ISSUER = settings.ISSUER | {
        "RATE_LIMITS": dict.fromkeys(("token", "introspect", "device", "login"), (10**9, 60))
    }
    service = make_client("service", *(grant for grant in GrantType.values if grant != GrantType.JWT_BEARER))
    service.plain = client_secret.create(service, now=timezone.now())
    make_client("public", "authorization_code", "refresh_token", GrantType.DEVICE_CODE, public=True)
    call_command("rotate_keys", verbosity=0)
    keyring.snapshots.forget()
    client.raise_request_exception = False
    log_in(client, user)
    return client, basic("service", service.plain)


@pytest.mark.parametrize("path", PATHS)
def test_no_request_causes_an_error_500(issuer, path):
    client, proof = issuer

    @bounded(EXAMPLES)
    @given(
        method=st.sampled_from(["get", "post", "post", "post", "head", "options", "put", "delete"]),
        query=pairs,
        asks=st.sampled_from([True, False, False]),
        body=bodies,
        sent=headers,
        proven=st.booleans(),
    )
    def fuzz(method, query, asks, body, sent, proven):
        as_bytes = {name: value.encode("utf-8", "replace").decode("latin-1") for name, value in sent.items()}
        extra = as_bytes | (proof if proven else {})
        address = path + ("?" + urlencode(query, errors="replace") if query and (asks or method == "get") else "")
        kind, content = body
        if kind == "form":
            kind, content = FORM, urlencode(content, errors="replace")
        if method in {"post", "put", "delete"}:
            answer = getattr(client, method)(address, content.encode("utf-8", "replace"), content_type=kind, **extra)
        else:
            answer = getattr(client, method)(address, **extra)
        judge(path, method, answer, (address, body, extra))

    fuzz()
