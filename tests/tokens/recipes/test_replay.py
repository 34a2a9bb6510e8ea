"""Each recipe registers a client or an API for a known program.

The issuer then accepts the program's requests, and refuses similar ones. The requests are those in `[requests]` and
`[verification]` of the recipe. The tests in tests/clients/ and tests/servers/ run the programs themselves.
"""

import json
from datetime import timedelta
from io import StringIO

import jwt
import pytest
from allauth.account.models import EmailAddress
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from tests.clock import clocks_at
from tests.tokens.factories import (
    API,
    OTHER_API,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    operation,
    parameters,
    post,
    redeem,
    with_secret,
)
from tests.tokens.recipes.program import SITE, Program, audience, run
from tokens import conf
from tokens.keys import keyring, rotation
from tokens.models import AuditEvent, ExchangePolicy
from tokens.recipes import catalog, options
from tokens.recipes.example import SCOPE

pytestmark = pytest.mark.django_db
RECIPES = catalog.recipes()
OF = {kind: [name for name, recipe in RECIPES.items() if recipe.kind == kind] for kind in ("login", "resource server")}
BY_GRANT = {
    grant: [name for name, recipe in RECIPES.items() if recipe.requests and recipe.requests.grant == grant]
    for grant in ("authorization_code", "client_credentials", "device_code", "token_exchange")
}
CODE = BY_GRANT["authorization_code"]
LOOSENED = ("pkce", "allows_any_localhost_port", "accepts_token_endpoint_audience", "allows_undotted_schemes")
"""Columns of a client that are less strict than the default."""


@pytest.fixture
def ring(apis):
    """Give the issuer a signing key."""
    rotation.rotate(operation())
    keyring.snapshots.forget()


@pytest.fixture
def person(user):
    """Return a user who has a name and a verified e-mail address."""
    user.first_name, user.last_name = "Ada", "Lovelace"
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def program(ring, tmp_path):
    """Return a function that registers the program of a recipe, and returns the simulated program."""

    def register(name, **changes):
        made = Program(RECIPES[name], Browser(), **changes)
        if made.profile.authentication == "private_key_jwt":
            made.key = ec.generate_private_key(ec.SECP256R1())
            public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(made.key.public_key()))
            (tmp_path / "keys.json").write_text(json.dumps({"keys": [public | {"kid": "program", "alg": "ES256"}]}))
            made.jwks = str(tmp_path / "keys.json")
        return made.register()

    return register


@pytest.mark.parametrize("name", CODE)
def test_a_login_gets_tokens_claims_refresh_and_logout(name, program, person):
    made = program(name)
    tokens = made.log_in(person)
    profile = made.profile
    if SCOPE in profile.scope.split():
        assert audience(tokens["access_token"]) == API
    if "openid" in profile.scope.split():
        id_token = jwt.decode(tokens["id_token"], options={"verify_signature": False})
        assert id_token["aud"] == made.printed["client_id"]
        assert id_token.get("nonce") == (made.nonce if profile.nonce else None)
    if profile.claims != "none":
        claims = made.claims(tokens)
        assert set(profile.needs) <= set(claims)
        assert claims["sub"] == str(person.sub)
    if profile.refresh != "never":
        answers = [made.refresh(tokens["refresh_token"]) for _ in range(3 if profile.refresh == "parallel" else 1)]
        assert [answer.status_code for answer in answers] == [200] * len(answers)
    if profile.logout == "hint":
        after = made.client.post_logout_redirect_uris.split()[0]
        query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": after}
        answer = made.browser.get("/oauth/logout", query)
        assert (answer.status_code, answer["Location"]) == (303, after)
        assert "_auth_user_id" not in made.browser.session


@pytest.mark.parametrize("name", [name for name in CODE if SCOPE in RECIPES[name].requests.scope.split()])
def test_a_login_without_an_api_gets_the_claims_that_the_program_needs(name, program, person):
    made = program(name, calls_api=False)
    if made.profile.claims == "none":
        assert not made.scope
        return
    tokens = made.log_in(person)
    assert audience(tokens["access_token"]) == conf.issuer().url
    assert set(made.profile.needs) <= set(made.claims(tokens))


@pytest.mark.parametrize("name", CODE)
def test_a_request_beside_the_profile_is_refused(name, program, person):
    made = program(name)
    log_in(made.browser, person)
    if made.profile.pkce:
        without = made.authorize(code_challenge=None, code_challenge_method=None, nonce=None)
        assert parameters(without)["error"] == "invalid_request"
    elif made.profile.nonce:
        assert parameters(made.authorize(nonce=None))["error"] == "invalid_request"
    else:  # PKCE is optional, but a challenge that was sent is enforced
        code = parameters(made.authorize(code_challenge="x" * 43, code_challenge_method="S256"))["code"]
        assert made.redeem(code).json()["error"] == "invalid_grant"
    elsewhere = made.browser.get("/oauth/authorize", made.request(redirect_uri=f"{SITE}/elsewhere"))
    assert elsewhere.status_code == 400
    assert parameters(made.authorize(scope="openid notes:write"))["error"] == "invalid_scope"


@pytest.mark.parametrize("name", CODE)
def test_a_code_without_its_secret_and_verifier_is_refused(name, program, person):
    made = program(name)
    log_in(made.browser, person)
    code = parameters(made.authorize())["code"]
    if made.printed["client_secret"]:
        assert made.redeem(code, secret="wrong").status_code == 401
    if made.profile.authentication == "private_key_jwt":
        other, made.key = made.key, ec.generate_private_key(ec.SECP256R1())
        assert made.redeem(code).status_code == 401
        made.key = other
    if made.profile.pkce:
        right, made.verifier = made.verifier, "x" * 43
        assert made.redeem(code).json()["error"] == "invalid_grant"
        made.verifier = right
        code = parameters(made.authorize())["code"]
    assert made.redeem(code[:-1] + ("A" if code[-1] != "A" else "B")).json()["error"] == "invalid_grant"
    assert made.redeem(code).status_code == 200


@pytest.mark.parametrize("name", BY_GRANT["client_credentials"])
def test_a_machine_gets_a_token_for_its_scope_and_no_other(name, program):
    made = program(name)
    grant = {"grant_type": "client_credentials"}
    answer = made.post("/oauth/token", grant | {"scope": made.profile.scope})
    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == made.profile.scope
    assert made.post("/oauth/token", grant | {"scope": "notes:write"}).json()["error"] == "invalid_scope"
    assert made.post("/oauth/token", grant, secret="wrong").status_code == 401


@pytest.mark.parametrize("name", BY_GRANT["device_code"])
def test_a_device_gets_tokens_when_its_user_allows_it(name, program, person):
    made = program(name)
    tokens = made.device_log_in(person)
    assert audience(tokens["access_token"]) == API
    assert made.refresh(tokens["refresh_token"]).status_code == 200
    assert made.post("/oauth/device", {"scope": "notes:write"}).json()["error"] == "invalid_scope"


def test_an_exchange_gets_a_token_for_the_next_api_and_for_no_other(ring, person):
    recipe = RECIPES["google-auth"]
    secret = run(*options.words(recipe.steps[0]))["client_secret"]
    for step in recipe.steps[1:]:
        call_command(*options.words(step), stdout=StringIO())
    assert ExchangePolicy.objects.count() == 1
    browser, front = Browser(), with_secret(make_client("front", "authorization_code", scopes=("shop:read",)))
    log_in(browser, person)
    code = parameters(allow(browser, authorization(front, scope="shop:read")))["code"]
    given = redeem(browser, front, code).json()["access_token"]
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": given,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": API,
        "scope": SCOPE,
    }
    answer = post(Browser(), "/oauth/token", exchange, **basic("shop", secret))
    assert answer.status_code == 200, answer.content
    assert audience(answer.json()["access_token"]) == API
    other = post(Browser(), "/oauth/token", exchange | {"audience": OTHER_API}, **basic("shop", secret))
    assert other.status_code == 400


def requested(step_words):
    """Return the scopes that a create_client command requests, joined by spaces.

    `step_words` are the words of the command. A scope follows each option `--scope`.
    """
    return " ".join(step_words[place + 1] for place, word in enumerate(step_words) if word == "--scope")


def token_of(step_words):
    """Run a create_client command of a recipe, and return an access token of the client.

    `step_words` are the words of the command.
    """
    printed = run(*step_words)
    form = {"grant_type": "client_credentials", "scope": requested(step_words)}
    answer = post(Browser(), "/oauth/token", form, **basic(printed["client_id"], printed["client_secret"]))
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"]


def verified(token, recipe, identifier):
    """Verify a token as the server of the recipe does, and return its claims.

    The signature is verified with the JWKS. `aud` and `iss` are each compared only if the recipe's server does so.
    `identifier` is the expected `aud`.
    """
    (key,) = [
        key
        for key in jwt.PyJWKSet.from_dict(Browser().get("/.well-known/jwks.json").json()).keys
        if key.key_id == jwt.get_unverified_header(token)["kid"]
    ]
    compares = recipe.verification.compares
    return jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=identifier if "aud" in compares else None,
        issuer=conf.issuer().url if "iss" in compares else None,
        options={"verify_aud": "aud" in compares},
    )


@pytest.mark.parametrize("name", OF["resource server"])
def test_a_resource_server_accepts_its_tokens_and_no_other(name, ring):
    recipe = RECIPES[name]
    identifier = recipe.step("create_api").options["identifier"]
    printed = run("create_api", "--for", name, *([] if identifier.startswith("urn:") else ["--identifier", identifier]))
    assert printed["identifier"] == identifier
    assert all("issuer.example" not in part["code"] + part["text"] for part in printed["configuration"])
    scopes = list(recipe.step("create_api").options["scopes"])
    machines = [step for step in recipe.steps if "client_credentials" in step.options.get("grants", ())]
    granted = [word for scope in scopes for word in ("--scope", scope)]
    own = ["create_client", "--name", "Job", "--grant", "client_credentials", *granted]
    words = options.words(machines[0]) if machines else own
    good = token_of(words)
    other = token_of(["create_client", "--name", "O", "--grant", "client_credentials", "--scope", SCOPE])
    assert "aud" in recipe.verification.compares
    if recipe.verification.by == "introspection":
        own = basic(printed["client_id"], printed["client_secret"])
        answers = [
            post(Browser(), "/oauth/introspect", {"token": token}, **own).json() for token in (good, other, "x.y.z")
        ]
        assert [answer["active"] for answer in answers] == [True, False, False]
        return
    assert verified(good, recipe, identifier)["scope"] == requested(words)
    with pytest.raises(jwt.InvalidAudienceError):
        verified(other, recipe, identifier)
    with pytest.raises(jwt.InvalidSignatureError):
        verified(good[:-8] + ("AAAAAAAA" if good[-8:] != "AAAAAAAA" else "BBBBBBBB"), recipe, identifier)


@pytest.mark.parametrize("name", CODE)
def test_what_a_recipe_loosens_is_printed_stored_and_audited(name, program):
    made = program(name)
    client = made.client
    event = AuditEvent.objects.get(action="client.created")
    assert client.recipe == event.details["recipe"] == name
    loosened = {field for field in LOOSENED if getattr(client, field)}
    assert loosened == set(event.details) & set(LOOSENED)
    assert bool(made.printed["less_strict"]) == bool(loosened)
    assert bool(RECIPES[name].loosens) >= ("pkce" in loosened)


BY_KEYS = [name for name in OF["resource server"] if RECIPES[name].verification.by == "keys"]


@pytest.mark.parametrize("name", BY_KEYS)
def test_keys_that_were_read_once_verify_the_tokens_of_the_next_key(name, ring):
    recipe = RECIPES[name]
    identifier = recipe.step("create_api").options["identifier"]
    run("create_api", "--for", name, *([] if identifier.startswith("urn:") else ["--identifier", identifier]))
    copy = {key["kid"] for key in Browser().get("/.well-known/jwks.json").json()["keys"]}
    scope = next(iter(recipe.step("create_api").options["scopes"]))

    def kid(name):
        words = ["create_client", "--name", name, "--grant", "client_credentials", "--scope", scope]
        return jwt.get_unverified_header(token_of(words))["kid"]

    first = kid("Job")
    for instant in (later := timezone.now() + timedelta(days=100), later + timedelta(days=3)):
        with clocks_at(instant):
            rotation.rotate(operation(instant))
            keyring.snapshots.forget()
            second = kid(f"Job of {instant.date()}")
    # No reason to read the keys again is needed (`fetches`): the next key was announced in the first copy.
    assert first != second
    assert {first, second} <= copy
