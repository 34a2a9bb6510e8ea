"""Clients in the admin: a secret is shown once, and a second one can be made and ended."""

import json
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import call_command
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from tokens.models import Api, AuditEvent, Client, ClientSecret, Scope, SigningKey, User
from tokens.oauth import client_secret

pytestmark = pytest.mark.django_db
ADD = "/admin/tokens/client/add/"
NO_SECRETS = {f"secrets-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    return client


@pytest.fixture
def form():
    api = Api.objects.create(identifier="https://api.example/", name="API")
    scope = Scope.objects.create(name="notes:read", description="Read", api=api)
    return {
        "name": "Reports",
        "client_id": "reports",
        "client_type": "confidential",
        "is_active": "on",
        "grants": ["client_credentials"],
        "scopes": [scope.pk],
        "redirect_uris": "",
    }


def proves(client, secret):
    return client_secret.matches(client_secret.kept_of(client), secret, now=timezone.now())


def secret_on(page):
    return re.search(r'id="client-secret">([^<]+)<', page.content.decode())[1]


def test_a_new_client_s_secret_is_shown_on_the_page_after_saving_and_never_again(admin, form):
    page = admin.post(ADD, form)
    secret = secret_on(page)
    made = Client.objects.get(client_id="reports")
    assert "no-store" in page["Cache-Control"]
    assert proves(made, secret)
    assert [scope.name for scope in made.scopes.all()] == ["notes:read"]
    for url in (
        f"/admin/tokens/client/{made.pk}/change/",
        "/admin/tokens/client/",
        f"/admin/tokens/client/{made.pk}/history/",
    ):
        assert secret not in admin.get(url).content.decode()
    assert AuditEvent.objects.get(action="client.created").actor == "user:root"


def test_a_second_secret_lives_beside_the_first_until_that_is_ended(admin, form):
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
    assert [proves(made, secret) for secret in (first, second)] == [True, True]
    ended = {**rows, "secrets-0-revoked_at_0": "2026-01-01", "secrets-0-revoked_at_1": "00:00:00"}
    rows_now = {"secrets-TOTAL_FORMS": "2", "secrets-INITIAL_FORMS": "2"}
    by_age = list(ClientSecret.objects.order_by("created_at"))
    for number, one in enumerate(ClientSecret.objects.order_by("pk")):
        rows_now |= {f"secrets-{number}-id": one.pk, f"secrets-{number}-client": made.pk}
    assert by_age[0].pk == row.pk
    answer = admin.post(change, {**form, **ended, **rows_now})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert [proves(made, secret) for secret in (first, second)] == [False, True]
    event = AuditEvent.objects.get(action="client_secret.revoked")
    assert (event.actor, event.subject) == ("user:root", "client:reports")
    assert event.details == {"secret": f"…{first[-4:]}", "revoked_at": "2026-01-01 00:00:00+00:00"}
    revived = admin.post(change, {**form, **rows, **rows_now})
    assert "A revoked secret stays revoked" in revived.content.decode()
    assert not proves(made, first)


def test_a_client_that_proves_itself_with_its_own_key_has_its_public_key_pasted_and_gets_no_secret(admin, form):
    numbers = rsa.generate_private_key(65537, 2048).public_key()
    key = {**json.loads(RSAAlgorithm.to_jwk(numbers)), "kid": "one", "alg": "RS256", "use": "sig"}
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt"}
    assert "token_endpoint_auth_method" in admin.post(ADD, by_key).context["adminform"].form.errors
    pasted = {**by_key, "client_jwks": json.dumps({"keys": [key]}), "access_token_lifetime": "00:02:00"}
    assert admin.post(ADD, pasted).status_code == 302
    made = Client.objects.get()
    assert (made.token_endpoint_auth_method, made.access_token_lifetime) == ("private_key_jwt", timedelta(minutes=2))
    assert not ClientSecret.objects.exists()


def test_saving_a_client_keeps_how_it_authenticates(admin, form):
    admin.post(ADD, form)
    Client.objects.update(token_endpoint_auth_method="client_secret_post")
    made = Client.objects.get()
    rows = {"secrets-TOTAL_FORMS": "0", "secrets-INITIAL_FORMS": "0"}
    assert admin.post(f"/admin/tokens/client/{made.pk}/change/", {**form, **rows}).status_code == 302
    made.refresh_from_db()
    assert made.token_endpoint_auth_method == "client_secret_post"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"grants": ["password"]}, "grants"),
        ({"grants": ["refresh_token"]}, "grants"),
        ({"grants": ["authorization_code"]}, "redirect_uris"),
        ({"client_id": "https://api.example/"}, "client_id"),
        ({"client_type": "public", "new_secret": "on"}, "new_secret"),
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


def test_an_expiry_that_is_moved_is_not_told_as_an_end(admin, form):
    admin.post(ADD, form)
    made, row = Client.objects.get(), ClientSecret.objects.get()
    rows = {
        "secrets-TOTAL_FORMS": "1",
        "secrets-INITIAL_FORMS": "1",
        "secrets-0-id": row.pk,
        "secrets-0-client": made.pk,
        "secrets-0-expires_at_0": "2040-01-01",
        "secrets-0-expires_at_1": "00:00:00",
    }
    admin.post(f"/admin/tokens/client/{made.pk}/change/", {**form, **rows})
    assert AuditEvent.objects.get(action="client_secret.expiry_changed").details["expires_at"].startswith("2040")


def test_a_client_that_goes_back_from_its_key_to_secrets_gets_one(admin, form):
    key = {**json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key())), "alg": "RS256"}
    by_key = {**form, "token_endpoint_auth_method": "private_key_jwt", "client_jwks": json.dumps({"keys": [key]})}
    admin.post(ADD, by_key)
    made = Client.objects.get()
    change = f"/admin/tokens/client/{made.pk}/change/"
    refused = admin.post(change, {**by_key, **NO_SECRETS, "new_secret": "on"})
    assert "has no use for a secret" in refused.content.decode()
    page = admin.post(change, {**form, **NO_SECRETS, "token_endpoint_auth_method": "client_secret_basic"})
    made.refresh_from_db()
    assert proves(made, secret_on(page))


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
