"""Clients in the admin: registration, secrets, public keys and audit events."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import call_command
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from tests.tokens.assertions import jwks, public_jwk
from tests.tokens.factories import make_client
from tests.tokens.jose.test_key_text import private_jwk, private_pem, public_pem
from tokens.clients import client_secret
from tokens.encryption import MalformedEncryptionKey
from tokens.jose import key_text
from tokens.jose.key_format import thumbprint
from tokens.models import Api, AuditEvent, Client, ClientSecret, SigningKey
from tokens.registration import secret_rotation

pytestmark = pytest.mark.django_db
ADD = "/admin/tokens/client/add/"
NO_SECRETS = {f"secrets-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
HEAD = {f"secrets-{name}_FORMS": "1" for name in ("TOTAL", "INITIAL")}


def page_of(client):
    return f"/admin/tokens/client/{client.pk}/change/"


def secret_row(secret, **dates):
    """Return the form fields for the only secret of a client. `dates` maps names of date columns to their values."""
    row = {"secrets-0-id": secret.pk, "secrets-0-client": secret.client_id}
    for name, at in dates.items():
        row |= {f"secrets-0-{name}_0": f"{at:%Y-%m-%d}", f"secrets-0-{name}_1": f"{at:%H:%M:%S}"}
    return HEAD | row


def public_key():
    numbers = rsa.generate_private_key(65537, 2048).public_key()
    return {**json.loads(RSAAlgorithm.to_jwk(numbers)), "kid": "one", "alg": "RS256", "use": "sig"}


def events(action):
    return [
        (audit_event.actor, audit_event.subject, audit_event.details)
        for audit_event in AuditEvent.objects.filter(action=action).order_by("pk")
    ]


def use(client, secret):
    return client_secret.use(client_secret.stored_of(client), secret, now=timezone.now())


def secret_on(page):
    return re.search(r'id="client-secret">([^<]+)<', page.content.decode())[1]


def test_a_new_client_s_secret_is_shown_on_the_page_after_saving_and_never_again(admin, form):
    page = admin.post(ADD, form)
    secret = secret_on(page)
    made = Client.objects.get(client_id="reports")
    assert "no-store" in page["Cache-Control"]
    assert use(made, secret)
    assert [scope.name for scope in made.scopes.all()] == ["notes:read"]
    for url in (
        f"/admin/tokens/client/{made.pk}/change/",
        "/admin/tokens/client/",
        f"/admin/tokens/client/{made.pk}/history/",
    ):
        assert secret not in admin.get(url).content.decode()
    assert AuditEvent.objects.get(action="client.created").actor == "user:root"


@pytest.mark.parametrize("strict", [True, False])
def test_the_page_sets_whether_a_client_needs_the_assertion_type(admin, form, strict):
    admin.post(ADD, form | ({"requires_assertion_type": "on"} if strict else {}))
    assert Client.objects.get().requires_assertion_type is strict
    assert "strict assertion type" in admin.get(page_of(Client.objects.get())).content.decode().lower()


def test_a_second_secret_works_beside_the_first_until_the_first_is_revoked(admin, form):
    first = secret_on(admin.post(ADD, form))
    made, row = Client.objects.get(), ClientSecret.objects.get()
    change = f"/admin/tokens/client/{made.pk}/change/"
    rows = {
        "secrets-TOTAL_FORMS": "1",
        "secrets-INITIAL_FORMS": "1",
        "secrets-0-id": row.pk,
        "secrets-0-client": made.pk,
    }
    second = secret_on(admin.post(change, {**form, **rows, "new_secret": "on"}))
    assert [use(made, secret) for secret in (first, second)] == [True, True]
    rows_now = {"secrets-TOTAL_FORMS": "2", "secrets-INITIAL_FORMS": "2"}
    by_age = list(ClientSecret.objects.order_by("created_at"))
    for number, stored in enumerate(ClientSecret.objects.order_by("pk")):
        rows_now |= {f"secrets-{number}-id": stored.pk, f"secrets-{number}-client": made.pk}
    assert by_age[0].pk == row.pk
    began = timezone.now()
    answer = admin.post(change, {**form, **rows_now, "secrets-0-revoke_now": "on"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert [use(made, secret) for secret in (first, second)] == [False, True]
    revoked_at = ClientSecret.objects.get(pk=row.pk).revoked_at
    assert began <= revoked_at <= timezone.now()
    event = AuditEvent.objects.get(action="client_secret.revoked")
    assert (event.actor, event.subject) == ("user:root", "client:reports")
    assert event.details == {"secret": f"…{first[-4:]}", "revoked_at": str(revoked_at)}
    again = admin.post(change, {**form, **rows_now, "secrets-0-revoke_now": "on"})
    assert "has ended and cannot be changed" in again.content.decode()
    assert AuditEvent.objects.filter(action="client_secret.revoked").count() == 1


@pytest.mark.parametrize("year", [2020, 2099])
def test_a_secret_can_only_be_revoked_now_not_at_a_date(admin, form, year):
    secret = secret_on(admin.post(ADD, form))
    made, row = Client.objects.get(), ClientSecret.objects.get()
    assert 'name="secrets-0-revoked_at' not in admin.get(page_of(made)).content.decode()
    dated = secret_row(row, revoked_at=datetime(year, 1, 1, tzinfo=UTC))
    assert admin.post(page_of(made), {**form, **dated}).status_code == 302
    assert use(made, secret)
    assert events("client_secret.revoked") == []


@pytest.mark.parametrize("before", [None, datetime(2040, 1, 1, tzinfo=UTC)])
def test_a_past_expiry_date_is_refused_and_the_error_names_the_remedy(admin, form, before):
    secret = secret_on(admin.post(ADD, form))
    ClientSecret.objects.update(expires_at=before)
    made, row = Client.objects.get(), ClientSecret.objects.get()
    past = timezone.now() - timedelta(seconds=2)
    page = admin.post(page_of(made), {**form, **secret_row(row, expires_at=past)})
    assert page.status_code == 200
    assert f"{past:%Y-%m-%d %H:%M:%S} UTC has passed. To end the secret now, revoke it." in page.content.decode()
    assert use(made, secret)
    assert events("client_secret.expiry_changed") == []


def test_an_expiry_date_can_be_removed(admin, form):
    admin.post(ADD, form)
    ClientSecret.objects.update(expires_at=datetime(2040, 1, 1, tzinfo=UTC))
    made, row = Client.objects.get(), ClientSecret.objects.get()
    assert admin.post(page_of(made), {**form, **secret_row(row)}).status_code == 302
    assert ClientSecret.objects.get().expires_at is None
    assert events("client_secret.expiry_changed")[0][2] == {"secret": f"…{row.hint}", "expires_at": None}


def test_a_secret_revoked_while_its_page_was_open_shows_an_error(admin, form, monkeypatch):
    """Another administrator revokes the secret after the form was validated and before the form is saved."""
    admin.post(ADD, form)
    made, row = Client.objects.get(), ClientSecret.objects.get()
    ended, judge = datetime(2026, 1, 1, tzinfo=UTC), secret_rotation.refuse_ended

    def late(stored, *, now):
        judge(stored, now=now)
        ClientSecret.objects.update(revoked_at=ended)

    monkeypatch.setattr(secret_rotation, "refuse_ended", late)
    page = admin.post(page_of(made), {**form, **secret_row(row), "secrets-0-revoke_now": "on"}, follow=True)
    assert f"The secret {row} has ended and cannot be changed." in page.content.decode()
    assert ClientSecret.objects.get().revoked_at == ended
    assert events("client_secret.revoked") == []


def test_a_client_with_a_pasted_public_key_gets_no_secret(admin, form):
    numbers = rsa.generate_private_key(65537, 2048).public_key()
    key = {**json.loads(RSAAlgorithm.to_jwk(numbers)), "kid": "one", "alg": "RS256", "use": "sig"}
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt"}
    assert "token_endpoint_auth_method" in admin.post(ADD, by_key).context["adminform"].form.errors
    pasted = {**by_key, "client_jwks": json.dumps({"keys": [key]}), "access_token_lifetime": "00:02:00"}
    assert admin.post(ADD, pasted).status_code == 302
    made = Client.objects.get()
    assert (made.token_endpoint_auth_method, made.access_token_lifetime) == ("private_key_jwt", timedelta(minutes=2))
    assert not ClientSecret.objects.exists()


@pytest.mark.parametrize("paste", [public_pem(), json.dumps(public_jwk("RS256", kid="one"))])
def test_a_public_key_can_be_pasted_as_pem_or_jwk_and_is_stored_as_a_jwks(admin, form, paste):
    pasted = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": paste}
    assert admin.post(ADD, pasted).status_code == 302
    made = Client.objects.get()
    assert made.client_jwks == key_text.read(paste)
    displayed = admin.get(page_of(made)).context["adminform"].form["client_jwks"].value()
    for again in (displayed, paste):
        assert admin.post(page_of(made), {**pasted, **NO_SECRETS, "client_jwks": again}).status_code == 302
    assert events("client.changed") == []


@pytest.mark.parametrize("paste", ["[" * 20_000, "9" * 5000, "{", "null", " \r\n ", '{"keys": [{"kty": "EC"}]}'])
def test_invalid_keys_are_refused_and_shown_again(admin, form, paste):
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": paste}
    page = admin.post(ADD, by_key)
    assert page.status_code == 200
    assert page.context["adminform"].form["client_jwks"].value() == paste


@pytest.mark.parametrize(
    "paste", [private_pem(), json.dumps(private_jwk("RS256")), json.dumps(private_jwk("RS256"))[:-1]]
)
def test_a_private_key_is_refused_and_the_page_does_not_show_it_again(admin, form, paste):
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": json.dumps(jwks())}
    pages = [admin.post(ADD, {**by_key, "client_jwks": paste})]
    assert pages[0].context["adminform"].form["client_jwks"].value() == ""
    admin.post(ADD, by_key)
    change = page_of(Client.objects.get())
    pages += [admin.post(change, {**by_key, **NO_SECRETS, "client_jwks": paste, "name": name}) for name in ("x", "")]
    assert json.loads(pages[1].context["adminform"].form["client_jwks"].value()) == jwks(), "what is registered"
    for page in pages:
        assert page.status_code == 200
        displayed = page.content.decode()
        assert [
            line for line in re.findall(r"[A-Za-z0-9+/_-]{20,}", paste) if line in displayed and line not in str(jwks())
        ] == []
        (message,) = page.context["adminform"].form.errors["client_jwks"]
        assert "private half" in message or "Enter a JWKS" in message


def test_the_page_shows_public_keys_one_member_a_line(admin, form):
    pasted = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": json.dumps(jwks())}
    admin.post(ADD, pasted)
    displayed = admin.get(page_of(Client.objects.get())).context["adminform"].form["client_jwks"].value()
    assert displayed == json.dumps(jwks(), indent=2)


def test_saving_a_client_keeps_how_it_authenticates(admin, form):
    admin.post(ADD, form)
    Client.objects.update(token_endpoint_auth_method="client_secret_post")
    made = Client.objects.get()
    rows = {"secrets-TOTAL_FORMS": "0", "secrets-INITIAL_FORMS": "0"}
    assert admin.post(f"/admin/tokens/client/{made.pk}/change/", {**form, **rows}).status_code == 302
    made.refresh_from_db()
    assert made.token_endpoint_auth_method == "client_secret_post"


def test_pinning_and_unpinning_the_authentication_method_are_audit_events(admin, form):
    admin.post(ADD, form)
    made = Client.objects.get()
    assert not made.pins_authentication_method
    for ticked in ({"pins_authentication_method": "on"}, {}):
        assert admin.post(page_of(made), {**form, **NO_SECRETS, **ticked}).status_code == 302
        assert Client.objects.get().pins_authentication_method is bool(ticked)
    changes = AuditEvent.objects.filter(action="client.changed").order_by("pk").values_list("details", flat=True)
    pins = [events["pins_authentication_method"] for events in changes if "pins_authentication_method" in events]
    assert pins == [["False", "True"], ["True", "False"]]


def test_saving_a_client_that_was_never_pinned_does_not_record_the_pin(admin, form):
    admin.post(ADD, form)
    Client.objects.update(pins_authentication_method=None)
    assert admin.post(page_of(Client.objects.get()), {**form, **NO_SECRETS, "name": "Other"}).status_code == 302
    assert AuditEvent.objects.latest("pk").details == {"name": ["Reports", "Other"]}


def test_lowering_and_raising_the_pkce_rule_are_audit_events(admin, form):
    admin.post(ADD, form)
    made = Client.objects.get()
    assert made.pkce is None
    for rule in ("nonce", "optional", ""):
        assert admin.post(page_of(made), {**form, **NO_SECRETS, "pkce": rule}).status_code == 302
        assert Client.objects.get().pkce == (rule or None)
    changes = AuditEvent.objects.filter(action="client.changed").order_by("pk").values_list("details", flat=True)
    assert [details["pkce"] for details in changes] == [["None", "nonce"], ["nonce", "optional"], ["optional", "None"]]


def test_a_new_client_below_required_is_named_in_its_event(admin, form):
    admin.post(ADD, {**form, "pkce": "nonce"})
    assert AuditEvent.objects.get(action="client.created").details["pkce"] == "nonce"


def test_the_event_of_a_new_client_has_what_it_may_do(admin, form):
    admin.post(ADD, form)
    assert AuditEvent.objects.get(action="client.created").details == {
        "name": "Reports",
        "client_type": "confidential",
        "token_endpoint_auth_method": "client_secret_basic",
        "grants": ["client_credentials"],
        "scopes": ["notes:read"],
    }


PUBLIC = {"client_type": "public", "grants": ["authorization_code"], "redirect_uris": "http://localhost/callback"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (PUBLIC | {"pkce": "nonce"}, "pkce"),
        (PUBLIC | {"pkce": "optional"}, "pkce"),
        ({"pkce": "none"}, "pkce"),
        ({"allows_any_localhost_port": "on"}, "allows_any_localhost_port"),
    ],
    ids=["public, nonce", "public, optional", "unknown", "confidential, any port"],
)
def test_a_switch_that_the_client_cannot_have_is_refused_at_its_field(admin, form, changes, field):
    refused = admin.post(ADD, {**form, **changes})
    assert list(refused.context["adminform"].form.errors) == [field]
    assert not Client.objects.exists()


def test_a_confidential_client_below_required_cannot_become_public(admin, form):
    admin.post(ADD, {**form, "pkce": "optional"})
    made = Client.objects.get()
    refused = admin.post(page_of(made), {**form, **NO_SECRETS, **PUBLIC, "pkce": "optional"})
    assert "pkce" in refused.context["adminform"].form.errors


@pytest.mark.parametrize("ticked", [{"allows_any_localhost_port": "on"}, {}], ids=["on", "off"])
def test_a_public_client_can_have_any_port_on_localhost(admin, form, ticked):
    admin.post(ADD, {**form, **PUBLIC, **ticked})
    assert Client.objects.get().frees_localhost_port is bool(ticked)


@pytest.mark.parametrize("ticked", [{"require_pushed_authorization_requests": "on"}, {}], ids=["on", "off"])
def test_a_client_can_be_required_to_push_its_requests(admin, form, ticked):
    admin.post(ADD, {**form, **ticked})
    assert Client.objects.get().must_push_requests is bool(ticked)


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_basic"])
def test_only_a_client_with_a_key_can_be_required_to_sign_requests(admin, form, method):
    keys = {"client_jwks": json.dumps(jwks())} if method == "private_key_jwt" else {}
    admin.post(ADD, {**form, **keys, "token_endpoint_auth_method": method, "require_signed_request_object": "on"})
    assert [made.require_signed_request_object for made in Client.objects.all()] == [True] * bool(keys)


def test_a_client_with_a_key_cannot_be_pinned(admin, form):
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": json.dumps(jwks())}
    refused = admin.post(ADD, {**by_key, "pins_authentication_method": "on"})
    assert "pins_authentication_method" in refused.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"grants": ["password"]}, "grants"),
        ({"grants": ["refresh_token"]}, "grants"),
        ({"grants": ["authorization_code"]}, "redirect_uris"),
        ({"client_id": "https://api.example/"}, "client_id"),
        ({"client_type": "public", "new_secret": "on"}, "new_secret"),
        ({"name": ""}, "name"),
        ({"client_jwks": "{}"}, "client_jwks"),
    ],
)
def test_a_client_that_could_not_work_or_would_be_unsafe_is_refused_at_its_field(admin, form, changed, field):
    page = admin.post(ADD, form | changed)
    assert field in page.context["adminform"].form.errors
    assert not Client.objects.exists()


def test_a_client_is_found_by_its_client_id(admin, form):
    admin.post(ADD, form)
    assert "Reports" in admin.get("/admin/tokens/client/?q=reports").content.decode()
    assert "Reports" not in admin.get("/admin/tokens/client/?q=other").content.decode()


@pytest.mark.parametrize(
    "page", ["user", "client", "api", "ring", "signingkey", "auditevent", "usergrant", "devicecode"]
)
def test_every_list_opens(admin, page):
    call_command("demo_setup")
    assert admin.get(f"/admin/tokens/{page}/").status_code == 200


def test_a_key_s_page_shows_no_private_material_and_nothing_to_edit(admin):
    call_command("rotate_keys")
    key = SigningKey.objects.first()
    page = admin.get(f"/admin/tokens/signingkey/{key.pk}/change/").content.decode()
    assert key.kid in page
    assert "sealed" not in page.lower()
    assert 'name="_save"' not in page
    assert admin.post(f"/admin/tokens/signingkey/{key.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.get("/admin/tokens/signingkey/add/").status_code == 403


def test_the_toolkit_s_own_pages_are_not_there(admin):
    assert "oauth2_provider" not in admin.get("/admin/").content.decode()


def test_the_audit_trail_says_which_fields_of_a_client_were_changed_and_how(admin, form):
    admin.post(ADD, form)
    made = Client.objects.get()
    changed = {**form, **NO_SECRETS, "name": "Nightly", "remembers_consent": "on", "is_active": ""}
    assert admin.post(f"/admin/tokens/client/{made.pk}/change/", changed).status_code == 302
    details = AuditEvent.objects.get(action="client.changed").details
    assert details["name"] == ["Reports", "Nightly"]
    assert details["is_active"] == ["True", "False"]
    assert "scopes" not in details


def test_a_changed_expiry_date_is_not_audited_as_a_revocation(admin, form):
    admin.post(ADD, form)
    made, row = Client.objects.get(), ClientSecret.objects.get()
    admin.post(page_of(made), {**form, **secret_row(row, expires_at=datetime(2040, 1, 1, tzinfo=UTC))})
    details = {"secret": f"…{row.hint}", "expires_at": "2040-01-01 00:00:00+00:00"}
    assert events("client_secret.expiry_changed") == [("user:root", "client:reports", details)]
    assert events("client_secret.revoked") == []


@pytest.mark.parametrize(
    "ended",
    [{"revoked_at": datetime(2026, 1, 1, 1, 2, 3, 4, UTC)}, {"expires_at": datetime(2026, 1, 1, 1, 2, 3, 4, UTC)}],
)
@pytest.mark.parametrize("change", [{"expires_at": datetime(2040, 1, 1, tzinfo=UTC)}, "revoke_now"])
def test_the_expiry_of_an_expired_or_revoked_secret_cannot_be_changed(admin, form, ended, change):
    secret = secret_on(admin.post(ADD, form))
    ClientSecret.objects.update(**ended)
    made, row = Client.objects.get(), ClientSecret.objects.get()
    stored = {"expires_at": ended["expires_at"]} if "expires_at" in ended else {}
    dates, revoke = (stored, {"secrets-0-revoke_now": "on"}) if change == "revoke_now" else (change, {})
    page = admin.post(page_of(made), {**form, **secret_row(row, **dates), **revoke}).content.decode()
    assert f"The secret {row} has ended and cannot be changed. Create a new secret." in page
    assert not use(made, secret)
    assert ClientSecret.objects.values().get() == ClientSecret.objects.filter(**ended).values().get()


@pytest.mark.parametrize("name", ["revoked_at", "expires_at"])
def test_a_client_with_an_expired_or_revoked_secret_can_be_saved(admin, form, name):
    """The form shows dates without microseconds.

    If the form is sent back unchanged, the stored date keeps its microseconds.
    """
    admin.post(ADD, form)
    ended = {name: datetime(2026, 1, 1, 1, 2, 3, 4, UTC)}
    ClientSecret.objects.update(**ended)
    made, row = Client.objects.get(), ClientSecret.objects.get()
    assert admin.post(page_of(made), {**form, **secret_row(row, **ended), "name": "Nightly"}).status_code == 302
    assert ClientSecret.objects.filter(**ended).exists()


def test_a_new_secret_is_an_audit_event_without_the_secret(admin, form):
    first = secret_on(admin.post(ADD, form))
    made, row = Client.objects.get(), ClientSecret.objects.get()
    second = secret_on(
        admin.post(page_of(made), {**form, **secret_row(row), "new_secret": "on", "remembers_consent": "on"})
    )
    who = ("user:root", "client:reports")
    hints = [{"secret": f"…{secret[-4:]}", "expires_at": None} for secret in (first, second)]
    assert events("client_secret.created") == [(*who, details) for details in hints]
    assert events("client.changed") == [(*who, {"remembers_consent": ["False", "True"]})]
    hidden = [first, second, *(bytes(stored.digest).hex() for stored in ClientSecret.objects.all())]
    everything = str(list(AuditEvent.objects.values()))
    assert [text for text in hidden if text in everything] == []


def test_the_audit_trail_names_a_replaced_public_key_by_kid_and_thumbprint(admin, form):
    old, new = public_key(), public_key()
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": json.dumps({"keys": [old]})}
    admin.post(ADD, by_key)
    admin.post(page_of(Client.objects.get()), {**by_key, **NO_SECRETS, "client_jwks": json.dumps({"keys": [new, old]})})
    names = [f"one {thumbprint(key)}" for key in (old, new)]
    ((_, _, details),) = events("client.changed")
    assert details["client_jwks"] == [names[0], f"{names[1]}, {names[0]}"]


def test_the_audit_trail_calls_keys_unusable_that_current_rules_refuse(admin, form):
    by_key = {
        **form,
        "token_endpoint_auth_method": "private_key_jwt",
        "client_jwks": json.dumps({"keys": [public_key()]}),
    }
    admin.post(ADD, by_key)
    Client.objects.update(client_jwks={"keys": ["of old"]})
    admin.post(page_of(Client.objects.get()), {**by_key, **NO_SECRETS})
    assert events("client.changed")[0][2]["client_jwks"][0] == "unusable"


def test_the_page_warns_about_a_skipped_key(admin, form):
    keys = {"keys": [{**public_key(), "kid": "enc", "use": "enc"}, public_key()]}
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": json.dumps(keys)}
    page = admin.post(ADD, by_key, follow=True)
    assert "Key 1 (kid enc) is not used. A key is not for signatures." in page.content.decode()


@pytest.mark.parametrize("door", ["page", "list"])
def test_a_deleted_client_is_an_event(admin, form, door):
    admin.post(ADD, form)
    made = Client.objects.get()
    chosen = {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"}
    url = "/admin/tokens/client/" if door == "list" else f"/admin/tokens/client/{made.pk}/delete/"
    assert admin.post(url, chosen if door == "list" else {"post": "yes"}).status_code == 302
    assert not Client.objects.exists()
    assert events("client.deleted") == [("user:root", "client:reports", {})]


def test_an_empty_box_of_keys_is_no_change_of_a_client_without_keys(admin, form):
    admin.post(ADD, form)
    made = Client.objects.get()
    page = admin.get(page_of(made))
    assert page.context["adminform"].form["client_jwks"].value() == ""
    assert admin.post(page_of(made), {**form, **NO_SECRETS, "client_jwks": ""}).status_code == 302
    made.refresh_from_db()
    assert made.client_jwks is None


def test_no_link_leads_to_a_page_that_is_not_served(admin, form):
    """The page of a client has no link "View on site".

    The client model of django-oauth-toolkit would link to a page of the toolkit. In an earlier version, this
    page answered 500.
    """
    admin.post(ADD, form)
    assert "View on site" not in admin.get(page_of(Client.objects.get())).content.decode()


def test_a_client_that_only_introspects_has_no_grant(admin, form):
    assert secret_on(admin.post(ADD, {**form, "grants": []}))
    assert Client.objects.get().grants == []


def test_the_list_shows_when_a_client_was_last_used_and_its_page_which_key_a_secret_needs(admin, form):
    admin.post(ADD, form)
    listed = admin.get("/admin/tokens/client/").content.decode()
    assert '<td class="field-last_used_on nowrap">-</td>' in listed
    Client.objects.update(last_used_on=date(2026, 3, 4))
    assert (
        '<td class="field-last_used_on nowrap">March 4, 2026</td>'
        in admin.get("/admin/tokens/client/").content.decode()
    )
    assert ClientSecret.objects.get().encryption_key_id in admin.get(page_of(Client.objects.get())).content.decode()


def test_a_lifetime_out_of_bounds_is_refused_at_its_field(admin, form):
    page = admin.post(
        ADD, {**form, "access_token_lifetime": "2 00:00:00", "refresh_token_lifetime": "4000000 00:00:00"}
    )
    assert {"access_token_lifetime", "refresh_token_lifetime"} <= page.context["adminform"].form.errors.keys()
    assert not Client.objects.exists()


def test_a_client_its_scopes_and_its_secret_are_created_in_one_transaction(admin, form, settings):
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": ["short"]}
    with pytest.raises(MalformedEncryptionKey):
        admin.post(ADD, form)
    assert not Client.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_client_that_switches_from_its_key_to_secrets_gets_a_secret(admin, form):
    key = {**json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key())), "alg": "RS256"}
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": json.dumps({"keys": [key]})}
    admin.post(ADD, by_key)
    made = Client.objects.get()
    change = f"/admin/tokens/client/{made.pk}/change/"
    refused = admin.post(change, {**by_key, **NO_SECRETS, "new_secret": "on"})
    assert "does not use a secret" in refused.content.decode()
    page = admin.post(change, {**form, **NO_SECRETS, "token_endpoint_auth_method": "client_secret_basic"})
    made.refresh_from_db()
    assert use(made, secret_on(page))


def test_every_policy_of_a_client_can_be_set(admin, form):
    policy = {
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": "https://app.example/cb",
        "post_logout_redirect_uris": "https://app.example/bye",
        "allowed_origins": "https://app.example",
        "remembers_consent": "on",
        "always_gets_refresh_token": "on",
        "rotates_refresh_tokens": "on",
        "refresh_token_lifetime": "30 00:00:00",
        "refresh_token_idle_lifetime": "7 00:00:00",
        "apis": [Api.objects.get().pk],
    }
    secret_on(admin.post(ADD, form | policy))
    made = Client.objects.get()
    assert (made.refresh_token_lifetime, made.refresh_token_idle_lifetime) == (timedelta(days=30), timedelta(days=7))
    assert made.rotates_refresh_tokens
    assert made.always_gets_refresh_token
    assert (made.allowed_origins, made.apis.count()) == ("https://app.example", 1)


def test_a_new_client_with_public_keys_authenticates_by_them_and_gets_no_secret(admin, form):
    made = admin.post(
        "/admin/tokens/client/add/", form | {"client_jwks": json.dumps(jwks()), "token_endpoint_auth_method": ""}
    )
    assert made.status_code == 302
    client = Client.objects.get()
    assert (client.token_endpoint_auth_method, client.secrets.count()) == ("private_key_jwt", 0)


def test_keys_of_a_client_with_a_secret_are_refused_with_the_remedy(admin, form):
    sent = form | {"client_jwks": json.dumps(jwks()), "token_endpoint_auth_method": "client_secret_post"}
    page = admin.post("/admin/tokens/client/add/", sent)
    assert "Choose private_key_jwt, or remove the keys." in page.content.decode()
    assert not Client.objects.exists()


def test_the_page_says_which_recipe_registered_the_client_and_what_is_less_strict(admin, apis):
    made = make_client("status", "authorization_code", recipe="gatus", pkce="nonce")
    page = admin.get(f"/admin/tokens/client/{made.pk}/change/").content.decode()
    assert "gatus" in page
    assert "PKCE: a nonce is accepted instead of a code challenge (RFC 9700 section 2.1.1)." in page
    strict = make_client("wiki", "authorization_code")
    assert "PKCE: a nonce" not in admin.get(f"/admin/tokens/client/{strict.pk}/change/").content.decode()
