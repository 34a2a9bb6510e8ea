"""The permissions for each action in the admin: a test for each row of the table in docs/admin.md."""

import json

import pytest
from django.contrib.auth.models import Permission

from tests.tokens.assertions import jwks
from tests.tokens.factories import make_api, make_client
from tokens.models import Api, Client, ExchangePolicy, GrantType, Scope, User

pytestmark = pytest.mark.django_db
CLIENTS = "/admin/tokens/client/"
ADD = f"{CLIENTS}add/"
ORDINARY = {
    "name": "Shop",
    "client_id": "shop",
    "client_type": "confidential",
    "is_active": "on",
    "grants": ["authorization_code"],
    "redirect_uris": "https://app.example/cb",
}
KEYS = {"client_jwks": json.dumps(jwks()), "token_endpoint_auth_method": "private_key_jwt"}
RIGHTS = {
    "register_first_party": {"skip_authorization": "on"},
    "grant_jwt_bearer": KEYS | {"grants": [GrantType.JWT_BEARER.value]},
    "grant_token_exchange": {"grants": [GrantType.TOKEN_EXCHANGE.value]},
    "redirect_anywhere": {"redirect_uris": "https://other.example/cb"},
}
NO_SECRETS = {"secrets-TOTAL_FORMS": "0", "secrets-INITIAL_FORMS": "0"}


@pytest.fixture(autouse=True)
def allow_list(settings):
    settings.ISSUER = {**settings.ISSUER, "REDIRECT_ALLOW_LIST": ["https://app.example"]}


@pytest.fixture
def clerk(client):
    """Return a function that logs in an administrator with the given permissions."""

    def log_in(*permissions):
        user = User.objects.create_user("clerk", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        assert user.user_permissions.count() == len(permissions)
        client.force_login(user)
        return client

    return log_in


def test_a_superuser_may_give_every_right(admin):
    for number, right in enumerate(RIGHTS.values()):
        assert admin.post(ADD, ORDINARY | {"client_id": f"c{number}"} | right).status_code in {200, 302}
        assert Client.objects.filter(client_id=f"c{number}").exists()


def test_add_client_adds_an_ordinary_client(clerk):
    clerk("add_client").post(ADD, ORDINARY)
    assert Client.objects.get().client_id == "shop"


@pytest.mark.parametrize("right", RIGHTS)
def test_add_client_gives_none_of_the_rights(clerk, right):
    others = [name for name in RIGHTS if name != right]
    page = clerk("add_client", "change_client", *others).post(ADD, ORDINARY | RIGHTS[right])
    assert "You may " in page.content.decode()
    assert not Client.objects.exists()


@pytest.mark.parametrize("right", RIGHTS)
def test_each_right_is_given_with_its_permission(clerk, right):
    clerk("add_client", "change_client", right).post(ADD, ORDINARY | RIGHTS[right])
    assert Client.objects.get().client_id == "shop"


@pytest.mark.parametrize("right", RIGHTS)
def test_a_client_that_has_a_right_is_changed_only_with_its_permission(clerk, admin, right):
    admin.post(ADD, ORDINARY | RIGHTS[right])
    page = f"{CLIENTS}{Client.objects.get().pk}/change/"
    browser = clerk("view_client", "change_client", "delete_client", "add_clientsecret", "change_clientsecret")
    assert browser.get(page).status_code == 200
    without = ORDINARY | NO_SECRETS | {"new_secret": "on"}
    assert browser.post(page, without).status_code == 403
    assert browser.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    User.objects.get(username="clerk").user_permissions.add(Permission.objects.get(codename=right))
    assert browser.get(page).context["has_change_permission"]


def test_change_client_changes_and_blocks_an_ordinary_client(clerk):
    made = make_client("shop", "client_credentials", scopes=())
    Client.objects.update(redirect_uris="https://app.example/cb")
    browser = clerk("view_client", "change_client")
    browser.post(f"{CLIENTS}{made.pk}/change/", ORDINARY | NO_SECRETS | {"name": "Renamed"})
    made.refresh_from_db()
    assert made.name == "Renamed"


def test_an_administrator_can_correct_a_form_that_was_refused_for_an_address_after_the_logout(clerk):
    made = make_client("shop", "client_credentials", scopes=())
    Client.objects.update(redirect_uris="https://app.example/cb")
    logout = {"post_logout_redirect_uris": "https://other.example/"}
    page = clerk("view_client", "change_client").post(f"{CLIENTS}{made.pk}/change/", ORDINARY | NO_SECRETS | logout)
    assert page.status_code == 200
    assert "You may register only redirect URIs of the allow-list" in page.content.decode()
    assert page.context["has_change_permission"]
    assert 'name="post_logout_redirect_uris"' in page.content.decode()


def test_change_client_blocks_any_client(clerk):
    made = make_client("shop", GrantType.TOKEN_EXCHANGE, scopes=(), skip_authorization=True)
    clerk("view_client", "change_client").post(CLIENTS, {"action": "block", "_selected_action": [made.pk]})
    made.refresh_from_db()
    assert not made.is_active


@pytest.mark.parametrize(
    ("uri", "permissions", "added"),
    [
        ("https://app.example/cb", (), True),
        ("https://other.example/cb", (), False),
        ("https://other.example/cb", ("redirect_anywhere",), True),
    ],
)
def test_the_allow_list_holds_for_a_client_added_by_kind(clerk, uri, permissions, added):
    clerk("add_client", *permissions).post(f"{CLIENTS}new/web/", {"name": "Shop", "redirect_uris": uri})
    assert Client.objects.exists() is added


@pytest.mark.parametrize(
    ("site", "permissions", "added"),
    [
        ("https://app.example", (), True),
        ("https://other.example", (), False),
        ("https://other.example", ("redirect_anywhere",), True),
    ],
)
def test_the_allow_list_holds_for_a_client_added_by_program(clerk, site, permissions, added):
    clerk("add_client", *permissions).post(f"{CLIENTS}new/for/gatus/", {"name": "Status", "site": site})
    assert Client.objects.exists() is added


@pytest.mark.parametrize(("permissions", "added"), [((), False), (("register_first_party",), True)])
def test_a_recipe_that_skips_consent_needs_the_permission(clerk, settings, tmp_path, permissions, added):
    (tmp_path / "intranet.toml").write_text(
        'title = "Intranet"\nkind = "login"\nversion = "1"\ntried = 2026-11-29\nsummary = "Ours."\n[[step]]\n'
        'command = "create_client"\n[step.options]\ngrants = ["authorization_code"]\nskip_consent = true\n'
        'redirect_uris = ["https://app.example/cb"]\n[requests]\nauthentication = "basic"\n'
    )
    settings.ISSUER = {**settings.ISSUER, "RECIPES": tmp_path}
    form = {"name": "Intranet", "site": "https://app.example"}
    clerk("add_client", *permissions).post(f"{CLIENTS}new/for/intranet/", form)
    assert Client.objects.exists() is added


def test_the_allow_list_holds_for_addresses_after_the_logout(clerk):
    form = {"name": "Shop", "redirect_uris": "https://app.example/cb"}
    logout = {"post_logout_redirect_uris": "https://other.example/"}
    browser = clerk("add_client")
    assert browser.post(f"{CLIENTS}new/web/", form | logout).status_code == 200
    browser.post(ADD, ORDINARY | logout)
    assert not Client.objects.exists()


def test_without_an_allow_list_every_address_may_be_registered(clerk, settings):
    settings.ISSUER = {**settings.ISSUER, "REDIRECT_ALLOW_LIST": []}
    clerk("add_client").post(ADD, ORDINARY | RIGHTS["redirect_anywhere"])
    assert Client.objects.exists()


@pytest.mark.parametrize(("permissions", "status"), [((), 403), (("change_api",), 200)])
def test_an_api_that_introspects_needs_the_permission_to_change_apis(clerk, permissions, status):
    api = make_api("https://notes.example/", "notes:read")
    browser = clerk("add_client", *permissions)
    answer = browser.post(f"{CLIENTS}new/api/", {"name": "Notes", "api": api.pk})
    assert answer.status_code == status
    assert (Api.objects.get().client is not None) is (status == 200)


@pytest.mark.parametrize("further", [(), ("grant_token_exchange",)])
def test_an_exchange_policy_needs_both_permissions(clerk, further):
    api = make_api("https://notes.example/", "notes:read")
    made = make_client("shop", GrantType.TOKEN_EXCHANGE, scopes=())
    form = {"client": made.pk, "api": api.pk, "scopes": [Scope.objects.get().pk]}
    answer = clerk("add_exchangepolicy", *further).post("/admin/tokens/exchangepolicy/add/", form)
    assert answer.status_code == (302 if further else 403)
    assert ExchangePolicy.objects.exists() is bool(further)
