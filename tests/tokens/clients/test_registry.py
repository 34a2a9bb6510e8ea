"""The cache of clients saves SQL statements. A cached client is not used after the client was changed."""

from datetime import date
from unittest.mock import Mock

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tokens.assertions import jwks, proof
from tests.tokens.factories import API, OTHER_API, make_client, post, redeem
from tokens.clients import client_secret, registry
from tokens.models import Api, Client, ExchangePolicy, GrantType, RegistryVersion, Scope

pytestmark = pytest.mark.django_db

TOKEN_REQUEST = {"grant_type": "client_credentials", "scope": "notes:read"}
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def statements(ask) -> list[str]:
    """Call `ask`, which sends a request, and return the first word of each SQL statement that it runs.

    Fails if the answer is not 200.
    """
    with CaptureQueriesContext(connection) as captured:
        response = ask()
    assert response.status_code == 200, response.content
    return [query["sql"].split()[0] for query in captured.captured_queries]


@pytest.fixture
def by_secret(client, service, signer):
    return lambda: post(
        client, "/oauth/token", TOKEN_REQUEST | {"client_id": "service", "client_secret": service.plain}
    )


@pytest.fixture
def by_key(client, apis, signer):
    made = make_client("keyed", "client_credentials", client_jwks=jwks("ES256"))
    Client.objects.filter(pk=made.pk).update(token_endpoint_auth_method="private_key_jwt")
    return lambda: post(client, "/oauth/token", TOKEN_REQUEST | proof("keyed"))


@pytest.fixture
def exchange(client, apis, code, signer):
    """Return a function that sends a token exchange request (RFC 8693) and returns the answer.

    The client of one API exchanges a token that this API received, for a token of another API.
    """
    app = make_client("app", "authorization_code", public=True)
    token = redeem(client, app, code(app, scope="notes:read")).json()["access_token"]
    middle = make_client("middle", GrantType.TOKEN_EXCHANGE.value)
    secret = client_secret.create(middle, now=timezone.now())
    Api.objects.filter(identifier=API).update(client=middle)
    policy = ExchangePolicy.objects.create(client=middle, api=apis[OTHER_API])
    policy.scopes.set(Scope.objects.filter(name="other:read"))
    form = {
        "grant_type": GrantType.TOKEN_EXCHANGE.value,
        "client_id": "middle",
        "client_secret": secret,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "scope": "other:read",
    }
    return lambda: post(client, "/oauth/token", form)


@pytest.mark.parametrize(("how", "statement"), [("by_secret", "SELECT"), ("by_key", "INSERT"), ("exchange", "SELECT")])
def test_a_self_contained_token_costs_one_statement_if_its_client_is_cached(request, how, statement):
    ask = request.getfixturevalue(how)
    ask()
    assert statements(ask) == [statement]


@pytest.mark.parametrize("who", ["service", "nobody", "keyed"])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_a_failed_authentication_costs_the_same_statements_for_any_client_id(
    client, service, by_key, by_secret, who, warm
):
    if warm:
        by_secret(), by_key()
    with CaptureQueriesContext(connection) as captured:
        assert (
            post(client, "/oauth/token", TOKEN_REQUEST | {"client_id": who, "client_secret": "wrong"}).status_code
            == 401
        )
    assert len(captured) == 2


def change_secret(service, apis):
    service.secrets.update(revoked_at=timezone.now())


def change_client(service, apis):
    Client.objects.filter(pk=service.pk).update(is_active=False)


def change_scopes(service, apis):
    service.scopes.clear()


def change_scope_by_sql(service, apis):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tokens_scope SET name = 'notes:peruse' WHERE name = 'notes:read'")


def delete_client(service, apis):
    service.delete()


@pytest.mark.parametrize(
    "change",
    [change_secret, change_client, change_scopes, change_scope_by_sql, delete_client],
    ids=lambda change: change.__name__,
)
def test_a_cached_client_is_not_used_after_a_change_by_any_means(service, apis, by_secret, change):
    assert by_secret().status_code == 200
    change(service, apis)
    assert by_secret().status_code in {400, 401}


def test_a_cached_client_is_not_used_after_it_is_pinned_by_sql(service, by_secret):
    Client.objects.update(token_endpoint_auth_method="client_secret_basic")
    assert by_secret().status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tokens_client SET pins_authentication_method = %s", [True])
    assert by_secret().status_code == 401


def test_a_removed_key_is_refused_although_its_client_is_cached(client, by_key):
    assert by_key().status_code == 200
    Client.objects.filter(client_id="keyed").update(client_jwks=jwks("RS256"))
    assert by_key().status_code == 401


def test_a_deactivated_client_is_refused_although_it_is_cached(client, by_key):
    assert by_key().status_code == 200
    Client.objects.filter(client_id="keyed").update(is_active=False)
    assert by_key().status_code == 401


def test_a_client_that_was_cached_in_a_rolled_back_transaction_is_not_used(service):
    """A transaction changes the registry's version, caches a client under it, and is rolled back.

    No later change gets the same version, so the cached client is never read.
    """
    with transaction.atomic():
        Client.objects.filter(pk=service.pk).update(name="never")
        seen = registry.version()
        registry.keep(registry.read("service"), version=seen)
        transaction.set_rollback(True)
    Client.objects.filter(pk=service.pk).update(name="after all")
    assert registry.version() != seen
    assert registry.recall("service", version=registry.version()) is None


def test_the_version_is_read_without_django_s_cursor_if_the_backend_can(monkeypatch):
    backend = Mock(read_text=lambda select: f"by {select}", in_atomic_block=True)
    monkeypatch.setattr(registry, "connections", {DEFAULT_DB_ALIAS: backend})
    assert registry.version() == f"by {registry.VERSION}"


def test_no_client_is_cached_if_the_database_has_no_version(by_secret):
    by_secret()
    RegistryVersion.objects.all().delete()
    assert len(statements(by_secret)) > 1
    assert len(statements(by_secret)) > 1


def test_the_number_of_cached_clients_is_bounded(service, monkeypatch):
    monkeypatch.setattr(registry, "KEPT", 2)
    registry.forget()
    for name in ("one", "two", "three"):
        registry.keep(make_client(name, "client_credentials"), version="v")
    assert [registry.recall(name, version="v") is not None for name in ("one", "two", "three")] == [False, True, True]


@pytest.mark.parametrize("is_read_again", [False, True])
def test_the_client_that_was_used_least_recently_is_dropped_from_the_cache(service, monkeypatch, is_read_again):
    monkeypatch.setattr(registry, "KEPT", 2)
    registry.forget()
    client_one, client_two, client_three = (make_client(name, "client_credentials") for name in ("one", "two", "three"))
    registry.keep(client_one, version="v")
    registry.keep(client_two, version="v")
    if is_read_again:
        registry.keep(client_one, version="w")
    else:
        registry.recall("one", version="v")
    registry.keep(client_three, version="v")
    assert [registry.is_known(name) for name in ("one", "two", "three")] == [True, False, True]


def test_a_process_caches_the_clients_that_were_used_last(apis):
    registry.forget()
    for name, day in (("middle", 2), ("oldest", 1), ("newest", 3)):
        make_client(name, "client_credentials")
        Client.objects.filter(client_id=name).update(last_used_on=date(2026, 1, day))
    registry.read_recent(2)
    assert [registry.is_known(name) for name in ("oldest", "middle", "newest")] == [False, True, True]
