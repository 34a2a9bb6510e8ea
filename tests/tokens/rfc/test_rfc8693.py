"""RFC 8693: token exchange requests (2.1), responses (2.2.1) and errors (2.2.2), and the actor (4.1)."""

import uuid

import pytest

from tests.tokens.factories import API, OTHER_API, basic, make_client, post, redeem
from tests.tokens.rfc import (
    INVALID_BASIC,
    ISSUER,
    NOT_ITS_GRANT,
    UNKNOWN_RESOURCE,
    answer,
    claims_of,
    confidential,
    granted,
    missing,
    refusal,
    repeated,
    signed_again,
    unknown_scope,
    without_blanks,
)
from tokens.models import Api, Client, ExchangePolicy, Scope, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type"
ACCESS_TOKEN = f"{TYPE}:access_token"
EXCHANGED = granted("other:read", issued_token_type=ACCESS_TOKEN)
UNACCEPTABLE = refusal("invalid_request", "The subject token cannot be exchanged by this client.")
SUBJECT_TYPE = refusal("invalid_request", f"The subject token type is not supported; use {ACCESS_TOKEN}.")
REQUESTED_TYPE = refusal("invalid_request", f"The requested token type is not supported; use {ACCESS_TOKEN}.")
ACTOR = refusal("invalid_request", "An actor token is not supported: the client itself is the actor.")
SEVERAL = refusal("invalid_target", "A token is for one resource; request a token for each.")


@pytest.fixture
def notes(apis):
    """Return the client of the notes API.

    It may exchange a token whose audience is the notes API for a token whose audience is OTHER_API.
    """
    made = confidential("notes", GRANT, scopes=())
    Api.objects.filter(identifier=API).update(client=made)
    policy = ExchangePolicy.objects.create(client=made, api=apis[OTHER_API])
    policy.scopes.add(Scope.objects.get(name="other:read"))
    return made


@pytest.fixture
def token(client, webapp, code, signer):
    """Return the user's token that the service received.

    It expires later than the tokens that the tests get in exchange for it.
    """
    issued = redeem(client, webapp, code(webapp, scope="notes:read")).json()["access_token"]
    return signed_again(issued, signer, exp=claims_of(issued)["exp"] + 60)


def exchange(browser, by, token, **changes):
    form = {
        "grant_type": GRANT,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": OTHER_API,
        "scope": "other:read",
    } | changes
    return post(browser, "/oauth/token", without_blanks(form), **basic(by.client_id, by.plain))


REQUESTS = {
    "2.1: for a resource": ({}, EXCHANGED),
    "2.1: for an audience": ({"resource": None, "audience": OTHER_API}, EXCHANGED),
    "2.1: for both, of one API": ({"audience": OTHER_API}, EXCHANGED),
    "2.1: for the API of the scopes": ({"resource": None}, EXCHANGED),
    "2.2.2 invalid_target: both, of two APIs": ({"audience": API}, SEVERAL),
    "2.2.2 invalid_target: two resources": ({"resource": [OTHER_API, API]}, SEVERAL),
    "2.1: for an audience, named twice": ({"resource": None, "audience": [OTHER_API, OTHER_API]}, EXCHANGED),
    "2.2.2 invalid_target: two audiences": ({"resource": None, "audience": [OTHER_API, API]}, SEVERAL),
    "2.2.2 invalid_target: unknown": ({"resource": "https://third.example/"}, UNKNOWN_RESOURCE),
    "2.2.2 invalid_target: not in the policy": ({"resource": API}, UNKNOWN_RESOURCE),
    "2.2.2 invalid_target: an unknown audience": ({"resource": None, "audience": "third"}, UNKNOWN_RESOURCE),
    "2.1: a scope that is not in the policy": ({"scope": "notes:read"}, unknown_scope("notes:read")),
    "2.1: a scope that nobody knows": ({"scope": "other:read more"}, unknown_scope("more")),
    "2.1: no scope": ({"scope": None}, refusal("invalid_scope", "Name at least one scope.")),
    "2.1: an access token, asked for by its type": ({"requested_token_type": ACCESS_TOKEN}, EXCHANGED),
    "2.1: a refresh token": ({"requested_token_type": f"{TYPE}:refresh_token"}, REQUESTED_TYPE),
    "2.1: an ID token": ({"requested_token_type": f"{TYPE}:id_token"}, REQUESTED_TYPE),
    "2.1: no subject token": ({"subject_token": None}, missing("subject_token")),
    "2.1: two subject tokens": ({"subject_token": ["x", "y"]}, repeated("subject_token")),
    "2.1: no subject token type": ({"subject_token_type": None}, missing("subject_token_type")),
    "3: a subject token that is said to be an ID token": ({"subject_token_type": f"{TYPE}:id_token"}, SUBJECT_TYPE),
    "3: a subject token of no known type": ({"subject_token_type": "access_token"}, SUBJECT_TYPE),
    "2.1: an actor token": ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, ACTOR),
    "2.1: an actor token without its type": ({"actor_token": "x"}, ACTOR),
    "2.1: an actor token's type without it": ({"actor_token_type": ACCESS_TOKEN}, ACTOR),
    "2.2.2 invalid_request: no token": ({"subject_token": "x"}, UNACCEPTABLE),
}


@pytest.mark.parametrize("section", REQUESTS)
def test_an_exchange_request_is_answered_by_the_table(client, notes, token, section):
    changes, expected = REQUESTS[section]
    assert answer(exchange(client, notes, token, **changes)) == expected


def chain(*names):
    act = None
    for name in reversed(names):
        act = {"sub": name} if act is None else {"sub": name, "act": act}
    return act


# Claims of a subject token that the issuer signed, and whether it is traded.
SUBJECTS = {
    "2.1: the token of a user": ({}, EXCHANGED),
    "2.2.2: for an API of somebody else": ({"aud": OTHER_API}, UNACCEPTABLE),
    "2.2.2: for the issuer": ({"aud": ISSUER}, UNACCEPTABLE),
    "2.2.2: of another issuer": ({"iss": "https://other.example"}, UNACCEPTABLE),
    "2.2.2: expired": ({"exp": 1}, UNACCEPTABLE),
    "2.2.2: of a service": ({"sub": "service", "client_id": "service", "auth_time": None}, UNACCEPTABLE),
    "2.2.2: of nobody": ({"sub": str(uuid.UUID(int=0))}, UNACCEPTABLE),
    "2.2.2: an ID token": ({"typ": "JWT", "at_hash": "x"}, UNACCEPTABLE),
    "4.1: passed on three times before": ({"act": chain("d", "c", "b", "a")}, EXCHANGED),
    "4.1: passed on too often": ({"act": chain("e", "d", "c", "b", "a")}, UNACCEPTABLE),
}


@pytest.mark.parametrize("section", SUBJECTS)
def test_a_subject_token_is_answered_by_the_table(client, notes, token, signer, section):
    changes, expected = SUBJECTS[section]
    assert answer(exchange(client, notes, signed_again(token, signer, **changes))) == expected


def revoke(browser, webapp, token):
    form = {"token": token, "client_id": "webapp", "client_secret": webapp.plain}
    assert post(browser, "/oauth/revoke", form).status_code == 200


def disable_user(*_):
    User.objects.update(is_active=False)


def disable_client(*_):
    Client.objects.update(is_active=False)


def withdraw_grant(*_):
    Client.objects.update(grants=["client_credentials"])


def withdraw_policy(*_):
    ExchangePolicy.objects.all().delete()


def give_api_away(*_):
    Api.objects.update(client=None)


CHANGES = {
    "2.2.2: revoked": (revoke, UNACCEPTABLE),
    "2.2.2: its user disabled": (disable_user, UNACCEPTABLE),
    "2.2.2: its API another's": (give_api_away, UNACCEPTABLE),
    "2.2.2: the policy withdrawn": (withdraw_policy, UNKNOWN_RESOURCE),
    "2.1: the client disabled": (disable_client, INVALID_BASIC),
    "2.1: the grant withdrawn": (withdraw_grant, NOT_ITS_GRANT),
}


@pytest.mark.parametrize("section", CHANGES)
def test_an_exchange_is_refused_after_its_permission_ends(client, notes, webapp, token, section):
    end, expected = CHANGES[section]
    assert answer(exchange(client, notes, token)) == EXCHANGED
    end(client, webapp, token)
    assert answer(exchange(client, notes, token)) == expected


ACTORS = {
    "4.1: the service, and the application before it": (None, chain("notes", "webapp")),
    "4.1: the latest is outermost": (chain("first"), chain("notes", "first")),
    "4.1: all who came before stay": (chain("second", "first"), chain("notes", "second", "first")),
}


@pytest.mark.parametrize("section", ACTORS)
def test_the_new_token_names_the_actor_and_the_user(client, notes, token, signer, decode, section):
    """`sub` is the user, and `act` is the chain of actors, the latest outermost (RFC 8693 sections 1.1 and 4.1).

    The new token does not expire later than the subject token (section 2.2.1).
    """
    before, act = ACTORS[section]
    subject = signed_again(token, signer, act=before, exp=claims_of(token)["iat"] + 120)
    old = claims_of(subject)
    claims = decode(exchange(client, notes, subject).json()["access_token"], OTHER_API)[1]
    kept = {name: old[name] for name in ("iss", "sub", "grant_id", "auth_time", "acr", "amr")}
    given = {"aud": OTHER_API, "client_id": "notes", "scope": "other:read", "act": act}
    new = {name: claims[name] for name in ("iat", "exp", "jti")}
    assert claims == kept | given | new
    assert new["exp"] <= old["exp"]
    assert new["jti"] != old["jti"]


def test_a_client_without_authentication_exchanges_no_token(client, notes, token):
    """RFC 8693 section 2.1: the permitted exchanges depend on the authenticated client."""
    Api.objects.update(client=make_client("app", GRANT, public=True))
    form = {"grant_type": GRANT, "client_id": "app", "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    description = "A public client receives no tokens that it could exchange."
    assert answer(post(client, "/oauth/token", form)) == refusal("unauthorized_client", description)
