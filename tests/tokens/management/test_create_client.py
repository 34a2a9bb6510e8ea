"""The command `create_client`: register a client."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.tokens.assertions import FAMILY, jwks, private
from tests.tokens.factories import basic, post
from tokens.clients import client_secret
from tokens.models import Api, AuditEvent, Client, ClientSecret, GrantType, Scope

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def scope():
    api = Api.objects.create(identifier="https://api.example/", name="API")
    return Scope.objects.create(name="notes:read", description="Read", api=api)


def create(*arguments):
    out = StringIO()
    call_command("create_client", *arguments, stdout=out)
    return out.getvalue()


def test_the_secret_is_printed_once_works_and_is_not_stored():
    printed = json.loads(create("--name", "S", "--grant", "client_credentials", "--scope", "notes:read", "--json"))
    client = Client.objects.get(client_id=printed["client_id"])
    assert client_secret.use(client_secret.stored_of(client), printed["client_secret"], now=timezone.now())
    assert printed["client_secret"].encode() not in bytes(ClientSecret.objects.get().digest)
    assert [scope.name for scope in client.scopes.all()] == ["notes:read"]
    made, secret_event = AuditEvent.objects.order_by("pk")
    assert [made.action, secret_event.action] == ["client.created", "client_secret.created"]
    assert secret_event.details == {"secret": f"…{printed['client_secret'][-4:]}", "expires_at": None}


@pytest.mark.parametrize("how", [["--public"], ["--auth-method", "none"], ["--public", "--auth-method", "none"]])
def test_a_public_client_has_no_secret(how):
    code = ("--name", "P", "--grant", "authorization_code", "--redirect-uri", "com.example.app:/cb")
    assert "(none: a public client" in create(*code, *how)
    printed = json.loads(create(*code, *how, "--json"))
    client_id = Client.objects.latest("pk").client_id
    assert printed == {"client_id": client_id, "client_secret": None, "created": False}
    assert set(Client.objects.values_list("client_type", "token_endpoint_auth_method")) == {("public", "none")}
    assert not ClientSecret.objects.exists()


def test_a_client_with_a_key_of_its_own_has_no_secret(tmp_path):
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    printed = create("--name", "K", "--grant", "client_credentials", "--jwks", str(tmp_path / "jwks.json"))
    assert "(none: the client authenticates with its own key)" in printed
    client = Client.objects.get()
    assert (client.token_endpoint_auth_method, client.client_jwks) == ("private_key_jwt", jwks())
    arguments = ("--name", "J", "--client-id", "j", "--auth-method", "private_key_jwt")
    printed = create(*arguments, "--jwks", str(tmp_path / "jwks.json"), "--legacy-audience", "--json")
    assert json.loads(printed) == {"client_id": "j", "client_secret": None, "created": True}
    assert Client.objects.get(client_id="j").accepts_token_endpoint_audience
    assert not client.accepts_token_endpoint_audience
    arguments = ("--name", "L", "--client-id", "l", "--jwks", str(tmp_path / "jwks.json"), "--strict-assertion-type")
    create(*arguments, "--grant", GrantType.JWT_BEARER.value)
    assert Client.objects.get(client_id="l").requires_assertion_type
    assert not client.requires_assertion_type
    assert not ClientSecret.objects.exists()


def test_a_file_without_public_keys_is_refused_with_its_reason(tmp_path):
    file = tmp_path / "jwks.json"
    for content, said in (
        ('{"keys": [{"kty": "EC", "d": "x"}]}', "private half"),
        ("{", "it is no JSON"),
        *((empty, "Enter a JWKS") for empty in ("{}", "[]", "null", "0", '""', '{"keys": []}')),
    ):
        file.write_text(content)
        with pytest.raises(CommandError, match=said):
            create("--name", "K", "--grant", "client_credentials", "--jwks", str(file))
    with pytest.raises(CommandError, match="No such file"):
        create("--name", "K", "--grant", "client_credentials", "--jwks", str(tmp_path / "none.json"))
    file.write_bytes(b"\xff")
    with pytest.raises(CommandError, match="is not a text file"):
        create("--name", "K", "--grant", "client_credentials", "--jwks", str(file))
    assert not Client.objects.exists()


def test_a_public_key_can_be_pem(tmp_path):
    pem = private(FAMILY["ES256"]).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(pem)
    create("--name", "K", "--grant", "client_credentials", "--jwks", str(tmp_path / "public.pem"))
    [key] = Client.objects.get().client_jwks["keys"]
    assert (key["kty"], key["crv"], "kid" in key) == ("EC", "P-256", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--grant", "authorization_code"], "redirect URI"),
        (["--grant", "authorization_code", "--redirect-uri", "http://app.example/cb"], "https"),
        (["--grant", "authorization_code", "--redirect-uri", "https://app.example/#x"], "fragment"),
        (
            ["--grant", "client_credentials", "--scope", "notes:delete"],
            "scope notes:delete. Create it with create_api",
        ),
        (["--grant", "client_credentials", "--scope", "address"], "There is no scope address. The issuer's settings"),
        (["--grant", "client_credentials", "--scope", "groups"], "GROUPS_CLAIM"),
        (["--grant", "client_credentials", "--public"], "public client"),
        (["--grant", "client_credentials", "--client-id", "https://api.example/"], "client_id"),
        (["--grant", "password"], "invalid choice"),
        (["--grant", "authorization_code", "--first-party"], "unrecognized arguments: --first-party"),
        (["--api", "https://nobody.example/"], "There is no API https://nobody.example/"),
        (["--auth-method", "private_key_jwt"], "needs the client's public keys"),
        (["--auth-method", "client_secret_jwt"], "invalid choice"),
        (["--public", "--auth-method", "client_secret_basic"], "Remove one of the two"),
        (["--auth-method", "client_secret_post", "--jwks-uri", "https://k.example/jwks"], "Remove one of the two"),
        (["--auth-method", "none", "--jwks-uri", "https://k.example/jwks"], "Remove one of the two"),
        (["--public", "--secret-expires", "2999-01-01"], "no secret that could expire"),
        (["--public", "--pin-auth-method"], "Only a client with a secret"),
        (["--pin-auth-method", "--jwks-uri", "https://k.example/jwks"], "Only a client with a secret"),
        (["--secret-expires", "2001-01-01"], "The expiry time has passed"),
        (["--secret-expires", "tomorrow"], "not a time such as"),
        (["--refresh-token-lifetime", "400000000"], "refresh_token_lifetime"),
    ],
)
def test_bad_input_is_a_one_line_error_and_creates_nothing(arguments, said):
    with pytest.raises(CommandError, match=said) as refused:
        create("--name", "S", *arguments)
    assert "\n" not in str(refused.value)
    assert not Client.objects.exists()


def test_every_policy_can_be_set_from_a_script():
    create(
        *("--name", "A", "--client-id", "a", "--grant", "authorization_code", "--grant", "refresh_token"),
        *("--redirect-uri", "https://a.example/cb", "--post-logout-redirect-uri", "https://a.example/bye"),
        *("--origin", "https://a.example", "--skip-consent", "--forget-consent", "--always-refresh-token"),
        *("--access-token-lifetime", "120", "--refresh-token-lifetime", "3600", "--refresh-token-idle-lifetime", "600"),
        "--rotate-refresh-tokens",
    )
    made = Client.objects.get()
    assert (made.skip_authorization, made.remembers_consent, made.rotates_refresh_tokens) == (True, False, True)
    lifetimes = (made.access_token_lifetime, made.refresh_token_lifetime, made.refresh_token_idle_lifetime)
    assert [lifetime.total_seconds() for lifetime in lifetimes] == [120, 3600, 600]
    assert (made.allowed_origins, made.post_logout_redirect_uris) == ("https://a.example", "https://a.example/bye")


def test_a_client_can_publish_its_keys_at_a_url():
    out = create("--name", "K", "--grant", "client_credentials", "--jwks-uri", "https://k.example/jwks")
    assert "its own key" in out
    assert Client.objects.get().client_jwks_uri == "https://k.example/jwks"


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (("--jwks-uri", "http://k.example/jwks"), "must begin with https://"),
        (("--origin", "https://a.example/path"), "must be an origin"),
        (("--post-logout-redirect-uri", "http://a.example/"), "must be https"),
        (("--access-token-lifetime", "0"), "not a number of seconds"),
        (("--public", "--jwks-uri", "https://k.example/jwks"), "public client cannot have keys"),
    ],
)
def test_a_client_that_cannot_work_is_refused_with_the_reason(arguments, because):
    with pytest.raises(CommandError, match=because):
        create("--name", "X", "--grant", "client_credentials", *arguments)
    assert not Client.objects.exists()


def test_every_property_that_the_admin_sets_is_an_option():
    method = ("--auth-method", "client_secret_post", "--secret-expires", "2999-01-31T12:00Z")
    create("--name", "A", "--client-id", "a", "--inactive", "--api", "https://api.example/", *method)
    made = Client.objects.get()
    assert (made.is_active, made.token_endpoint_auth_method) == (False, "client_secret_post")
    assert [api.identifier for api in made.apis.all()] == ["https://api.example/"]
    assert ClientSecret.objects.get().expires_at == datetime(2999, 1, 31, 12, tzinfo=UTC)


def test_only_an_option_pins_the_authentication_method():
    create("--name", "A", "--client-id", "a", "--auth-method", "client_secret_post", "--pin-auth-method")
    create("--name", "B", "--client-id", "b")
    accepted = {made.client_id: made.accepted_methods for made in Client.objects.all()}
    assert accepted == {"a": ("client_secret_post",), "b": ("client_secret_basic", "client_secret_post")}


def test_a_client_that_only_introspects_needs_no_grant_type(client):
    printed = json.loads(create("--name", "Orders API", "--client-id", "orders", "--json"))
    assert Client.objects.get().grants == []
    form = {"token": "x", "token_type_hint": "access_token"}
    answer = post(client, "/oauth/introspect", form, **basic("orders", printed["client_secret"]))
    assert (answer.status_code, answer.json()) == (200, {"active": False})


def test_without_readable_encrypting_keys_nothing_is_created(settings):
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": ["short"]}
    with pytest.raises(CommandError, match="KEY_ENCRYPTION_KEYS") as refused:
        create("--name", "S")
    assert refused.value.returncode == 5
    assert not Client.objects.exists()


def test_an_encryption_key_is_skipped_with_a_warning_and_a_private_key_is_refused(tmp_path):
    file, err = tmp_path / "jwks.json", StringIO()
    encrypts = {**jwks()["keys"][0], "kid": "enc", "use": "enc"}
    file.write_text(json.dumps({"keys": [encrypts, *jwks()["keys"]]}))
    arguments = ("create_client", "--name", "K", "--grant", "client_credentials", "--jwks", str(file))
    call_command(*arguments, stdout=StringIO(), stderr=err)
    assert err.getvalue().startswith("Warning: Key 1 (kid enc) is not used. A key is not for signatures. Set use to ")
    file.write_text(json.dumps({"keys": [{**encrypts, "d": "AQAB"}, *jwks()["keys"]]}))
    with pytest.raises(CommandError, match="private half"):
        call_command(*arguments, stdout=StringIO(), stderr=err)
    assert Client.objects.count() == 1


def test_only_an_option_allows_a_scheme_without_a_dot():
    arguments = ("--name", "P", "--public", "--grant", "authorization_code", "--redirect-uri", "myapp:/callback")
    with pytest.raises(CommandError, match="scheme without a dot"):
        create(*arguments)
    create(*arguments, "--allow-undotted-scheme")
    assert Client.objects.get().allows_undotted_schemes


def test_only_an_option_requires_dpop():
    code = ("--grant", "authorization_code", "--redirect-uri", "https://client.example/callback")
    create("--name", "A", "--client-id", "a", *code)
    create("--name", "B", "--client-id", "b", *code, "--dpop")
    required = Client.objects.values_list("client_id", "dpop_bound_access_tokens")
    assert set(required) == {("a", None), ("b", True)}


def test_the_switches_for_claims_are_options():
    code = ("--grant", "authorization_code", "--redirect-uri", "https://client.example/callback")
    create("--name", "A", "--client-id", "a", *code)
    create("--name", "B", "--client-id", "b", *code, "--no-userinfo-by-api-tokens", "--claims-in-id-token")
    switches = Client.objects.values_list("client_id", "userinfo_by_api_tokens", "claims_in_id_token")
    assert set(switches) == {("a", True, None), ("b", False, True)}


def test_a_kind_sets_what_the_admin_sets():
    uri = "https://app.example/callback"
    printed = json.loads(create("--name", "S", "--kind", "spa", "--redirect-uri", uri, "--json"))
    assert printed["client_secret"] is None
    made = Client.objects.get()
    assert (made.client_type, made.grants) == ("public", ["authorization_code", "refresh_token"])
    assert made.allowed_origins == "https://app.example"


def test_options_add_to_a_kind():
    arguments = ("--kind", "service", "--grant", GrantType.TOKEN_EXCHANGE, "--scope", "notes:read")
    create("--name", "S", *arguments)
    made = Client.objects.get()
    assert made.grants == [GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE]
    create("--name", "N", "--kind", "native", "--client-id", "native")
    assert Client.objects.get(client_id="native").redirect_uris == "http://127.0.0.1/callback"


def test_a_public_kind_with_keys_is_refused(tmp_path):
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    with pytest.raises(CommandError, match="public client cannot have keys"):
        create("--name", "S", "--kind", "device", "--jwks", str(tmp_path / "jwks.json"))


REPEATED = ("--name", "R", "--grant", "client_credentials", "--scope", "notes:read", "--access-token-lifetime", "60")


@pytest.mark.parametrize("how", [(), ("--client-id", "r")], ids=["by name", "by client_id"])
def test_the_same_command_again_changes_nothing(how):
    first = json.loads(create(*REPEATED, *how, "--json"))
    events = AuditEvent.objects.count()
    again = json.loads(create(*REPEATED, *how, "--json"))
    assert again == {"client_id": first["client_id"], "client_secret": None, "created": False}
    text = create(*REPEATED, *how)
    assert "(already registered, unchanged)" in text
    assert "to add a secret, run client_secret" in text
    assert (AuditEvent.objects.count(), Client.objects.count(), ClientSecret.objects.count()) == (events, 1, 1)


def test_another_command_for_the_same_client_names_what_differs():
    how = ("--client-id", "r")
    create(*REPEATED, *how)
    with pytest.raises(CommandError, match="remembers_consent is True, not False; access_token_lifetime is 60, not 90"):
        create(*REPEATED[:-1], "90", "--forget-consent", *how)
    with pytest.raises(CommandError, match=r"scopes is notes:read, not \(none\)"):
        create(*REPEATED[:4], *REPEATED[6:], *how)
    assert Client.objects.get().access_token_lifetime.total_seconds() == 60


def test_another_client_can_have_the_name():
    create(*REPEATED)
    create(*REPEATED[:-1], "90")
    create(*REPEATED[:2], "--client-id", "other")
    assert Client.objects.filter(name="R").count() == 3
