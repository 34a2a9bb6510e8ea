"""`next_class` returns the authentication class of the login that the issuer asks for before it answers the request.

The class is either required or only desired by the request. `next_class` returns None if no further login is needed.
"""

from dataclasses import replace

import pytest
from django.utils import timezone

from tokens.authentication_class import MULTI_FACTOR, PASSWORD, PHISHING_RESISTANT
from tokens.authorize.login_strength import next_class, reached_class
from tokens.authorize.request import AuthorizationRequest
from tokens.claims.claims_request import NOTHING, ClaimsRequest, RequestedClaim
from tokens.errors import OAuthError
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import Api, Client

UNKNOWN = "urn:example:gold"
REQUEST = AuthorizationRequest(
    client=Client(), redirect_uri="https://app.example/cb", names_redirect_uri=True, state=None, response_mode="query",
    target=Target("https://issuer.example", ("openid",), None), code_challenge="", nonce="", dpop_jkt=None,
    prompt=frozenset(), max_age=None, login_hint=None, acr_values=(), claims=NOTHING, subject=None,
)  # fmt: skip


def reached(acr, *acr_values, api=None, accepted=None):
    """Return the result of `reached_class`. With `accepted`, an essential claim `acr` has these values."""
    claims = NOTHING if accepted is None else ClaimsRequest(id_token={"acr": RequestedClaim(True, accepted)})
    request = replace(REQUEST, target=replace(REQUEST.target, api=api), acr_values=acr_values, claims=claims)
    return reached_class(request, Login(timezone.now(), acr, ()))


def following(acr, *acr_values, required="", reachable=PHISHING_RESISTANT, api=None, prompt=()):
    target = replace(REQUEST.target, api=api)
    request = replace(REQUEST, target=target, acr_values=acr_values, prompt=frozenset(prompt))
    return next_class(request, Login(timezone.now(), acr, ()), required=required, reachable=reachable)


@pytest.mark.parametrize(
    ("acr", "acr_values", "more", "expected"),
    [
        (PASSWORD, (), {}, None),
        (PASSWORD, (MULTI_FACTOR,), {}, MULTI_FACTOR),
        (PASSWORD, (MULTI_FACTOR, PHISHING_RESISTANT), {"reachable": MULTI_FACTOR}, MULTI_FACTOR),
        (PASSWORD, (MULTI_FACTOR,), {"reachable": PASSWORD}, None),
        (PASSWORD, (MULTI_FACTOR,), {"prompt": ["none"]}, None),
        (MULTI_FACTOR, (MULTI_FACTOR,), {}, None),
        (PASSWORD, (UNKNOWN,), {}, None),
        (PASSWORD, (), {"required": MULTI_FACTOR}, MULTI_FACTOR),
        (PASSWORD, (), {"required": MULTI_FACTOR, "reachable": PASSWORD}, MULTI_FACTOR),
        (MULTI_FACTOR, (), {"required": PHISHING_RESISTANT}, PHISHING_RESISTANT),
        (PASSWORD, (MULTI_FACTOR,), {"api": Api(), "reachable": PASSWORD}, MULTI_FACTOR),
    ],
)
def test_the_next_class_is_the_weakest_that_is_required_or_desired(acr, acr_values, more, expected):
    assert following(acr, *acr_values, **more) == expected


@pytest.mark.parametrize(
    ("acr_values", "more", "error"),
    [
        ((), {"required": MULTI_FACTOR, "prompt": ["none"]}, "login_required"),
        ((MULTI_FACTOR,), {"api": Api(), "prompt": ["none"]}, "login_required"),
        ((UNKNOWN,), {"api": Api()}, "unmet_authentication_requirements"),
        ((UNKNOWN,), {"api": Api(), "prompt": ["none"]}, "unmet_authentication_requirements"),
    ],
)
def test_a_request_that_no_login_satisfies_without_a_page_is_refused(acr_values, more, error):
    with pytest.raises(OAuthError) as refused:
        following(PASSWORD, *acr_values, **more)
    assert refused.value.error == error


@pytest.mark.parametrize(
    ("acr", "acr_values", "more", "expected"),
    [
        (MULTI_FACTOR, (), {}, MULTI_FACTOR),
        (MULTI_FACTOR, (PASSWORD,), {}, PASSWORD),
        (PHISHING_RESISTANT, (PASSWORD, MULTI_FACTOR), {}, PASSWORD),
        (PHISHING_RESISTANT, (UNKNOWN, MULTI_FACTOR, PASSWORD), {}, MULTI_FACTOR),
        (PASSWORD, (MULTI_FACTOR,), {}, PASSWORD),
        (PASSWORD, (MULTI_FACTOR,), {"api": Api()}, None),
        (PASSWORD, (MULTI_FACTOR, PASSWORD), {"api": Api()}, PASSWORD),
        (PASSWORD, (), {"api": Api()}, PASSWORD),
        (MULTI_FACTOR, (), {"accepted": (PASSWORD,)}, PASSWORD),
        (PHISHING_RESISTANT, (PHISHING_RESISTANT,), {"accepted": (MULTI_FACTOR,)}, MULTI_FACTOR),
        (MULTI_FACTOR, (), {"accepted": (PHISHING_RESISTANT,)}, None),
        ("", (), {}, ""),
        ("", (), {"accepted": ("",)}, None),
    ],
)
def test_a_login_reaches_the_first_class_that_is_requested_or_its_strongest_that_is_accepted(
    acr, acr_values, more, expected
):
    assert reached(acr, *acr_values, **more) == expected
