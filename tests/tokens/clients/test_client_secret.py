"""A client can have several secrets. Each is valid until it expires or is revoked.

The database has only hashes of the secrets.
"""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import override_settings

from tokens.clients import client_secret, registry
from tokens.clients.client_secret import LostKey
from tokens.models import Client, ClientSecret

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def client_(db) -> Client:
    return Client.objects.create(name="webapp")


def keys(*entries: str):
    return override_settings(ISSUER=settings.ISSUER | {"KEY_ENCRYPTION_KEYS": list(entries)})


def test_a_secret_authenticates_its_own_client_only(client_: Client) -> None:
    secret = client_secret.create(client_, now=NOW)
    other = Client.objects.create(name="other")
    client_secret.create(other, now=NOW)
    assert client_secret.use(client_secret.stored_of(client_), secret, now=NOW)
    assert not client_secret.use(client_secret.stored_of(other), secret, now=NOW)
    assert not client_secret.use(client_secret.stored_of(None), secret, now=NOW)


def test_a_secret_has_256_random_bits_and_is_not_in_the_database(client_: Client) -> None:
    secret = client_secret.create(client_, now=NOW)
    kept = ClientSecret.objects.get()
    assert (len(secret), len(bytes(kept.digest)), kept.hint) == (43, 32, secret[-4:])
    assert secret.encode() not in bytes(kept.digest)
    assert secret not in str(ClientSecret.objects.values())
    assert secret != client_secret.create(client_, now=NOW)


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.upper(), lambda s: f" {s}"])
def test_a_neighbour_of_the_secret_is_refused(client_: Client, change) -> None:
    assert not client_secret.use(
        client_secret.stored_of(client_), change(client_secret.create(client_, now=NOW)), now=NOW
    )


@pytest.mark.parametrize("kept", [0, 1])
def test_a_blank_secret_never_authenticates(client_: Client, kept: int) -> None:
    for _ in range(kept):
        client_secret.create(client_, now=NOW)
    assert not client_secret.use(client_secret.stored_of(client_), "", now=NOW)


def test_a_blank_secret_is_refused_even_where_its_hash_was_written_into_the_table(client_: Client) -> None:
    client_secret.create(client_, now=NOW)
    ((_, key),) = client_secret._keys(tuple(settings.ISSUER["KEY_ENCRYPTION_KEYS"])).items()
    ClientSecret.objects.update(digest=client_secret._digest(key, ""))
    assert not client_secret.use(client_secret.stored_of(client_), "", now=NOW)


def test_the_stored_hash_is_not_itself_a_secret(client_: Client) -> None:
    client_secret.create(client_, now=NOW)
    digest = bytes(ClientSecret.objects.get().digest)
    assert not client_secret.use(client_secret.stored_of(client_), digest.hex(), now=NOW)
    assert not client_secret.use(client_secret.stored_of(client_), digest.decode("latin-1"), now=NOW)


def test_two_secrets_are_accepted_at_once_so_that_one_can_replace_the_other(client_: Client) -> None:
    old = client_secret.create(client_, now=NOW)
    new = client_secret.create(client_, now=NOW + MINUTE)
    assert client_secret.use(client_secret.stored_of(client_), old, now=NOW + MINUTE)
    assert client_secret.use(client_secret.stored_of(client_), new, now=NOW + MINUTE)
    ClientSecret.objects.filter(hint=old[-4:]).update(revoked_at=NOW + 2 * MINUTE)
    assert not client_secret.use(client_secret.stored_of(client_), old, now=NOW + 2 * MINUTE)
    assert client_secret.use(client_secret.stored_of(client_), new, now=NOW + 2 * MINUTE)


def test_a_secret_ends_at_the_instant_it_expires(client_: Client) -> None:
    secret = client_secret.create(client_, now=NOW, expires_at=NOW + MINUTE)
    assert client_secret.use(client_secret.stored_of(client_), secret, now=NOW + MINUTE - timedelta(microseconds=1))
    assert not client_secret.use(client_secret.stored_of(client_), secret, now=NOW + MINUTE)


def test_the_encrypting_key_is_replaced_while_secrets_are_in_use(client_: Client, django_assert_num_queries) -> None:
    """KEY_ENCRYPTION_KEYS has first the old key, then both keys, then only the new key.

    A secret that is used while both keys are set stays valid.
    """
    former, first = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(former):
        used, idle = (client_secret.create(client_, now=NOW + MINUTE * age) for age in range(2))
        assert client_secret.use(client_secret.stored_of(client_), used, now=NOW)
        before = registry.version()
    with keys(first, former):
        new = client_secret.create(client_, now=NOW + 2 * MINUTE)
        kept = client_secret.stored_of(client_)
        with django_assert_num_queries(1):
            assert client_secret.use(kept, used, now=NOW), "hashed again, in one statement"
        with django_assert_num_queries(0):
            assert client_secret.use(kept, used, now=NOW), "once"
        assert client_secret.use(client_secret.stored_of(client_), used, now=NOW)
    assert registry.version() != before, "no process goes on with the former hash"
    with keys(first):
        assert client_secret.use(client_secret.stored_of(client_), used, now=NOW)
        assert client_secret.use(client_secret.stored_of(client_), new, now=NOW)
    for key, lacking in ((first, idle), (former, used)):
        with keys(key), pytest.raises(LostKey, match="which KEY_ENCRYPTION_KEYS of this process lacks"):
            client_secret.use(client_secret.stored_of(client_), lacking, now=NOW)


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_an_expired_or_revoked_secret_needs_no_key(client_: Client, end: str) -> None:
    former, first = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(former):
        secret = client_secret.create(client_, now=NOW - MINUTE)
    ClientSecret.objects.update(**{end: NOW})
    with keys(first):
        assert not client_secret.use(client_secret.stored_of(client_), secret, now=NOW)


def test_a_blank_secret_needs_no_key(client_: Client) -> None:
    with keys(secrets.token_urlsafe(32)):
        client_secret.create(client_, now=NOW)
    assert not client_secret.use(client_secret.stored_of(client_), "", now=NOW)


def test_a_wrong_secret_changes_no_stored_hash(client_: Client) -> None:
    former, first = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(former):
        client_secret.create(client_, now=NOW)
    before = ClientSecret.objects.values().get()
    with keys(first, former):
        assert not client_secret.use(client_secret.stored_of(client_), "x" * 43, now=NOW)
    assert ClientSecret.objects.values().get() == before


def test_two_processes_that_rehash_a_secret_leave_a_valid_hash(client_: Client) -> None:
    former, first = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(former):
        secret = client_secret.create(client_, now=NOW)
    with keys(first, former):
        seen = [client_secret.stored_of(client_) for _ in range(2)]
        assert [client_secret.use(kept, secret, now=NOW) for kept in seen] == [True, True]
    with keys(first):
        assert client_secret.use(client_secret.stored_of(client_), secret, now=NOW)


def test_usable_secrets_are_counted_by_the_encrypting_key_that_they_need(client_: Client) -> None:
    former, first = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(former):
        for ends in (None, NOW + MINUTE, NOW):
            client_secret.create(client_, now=NOW, expires_at=ends)
        client_secret.create(client_, now=NOW)
        ClientSecret.objects.filter(pk=ClientSecret.objects.latest("pk").pk).update(revoked_at=NOW)
        other = Client.objects.create(name="by key", token_endpoint_auth_method="private_key_jwt")
        client_secret.create(other, now=NOW)
        ((key_id, _),) = client_secret._keys((former,)).items()
    with keys(first, former):
        client_secret.create(client_, now=NOW)
    assert sorted(client_secret.live_by_key(now=NOW).values()) == [1, 2]
    assert client_secret.live_by_key(now=NOW)[key_id] == 2


def test_a_client_that_does_not_exist_costs_the_same_work(
    client_: Client, django_assert_num_queries, monkeypatch
) -> None:
    work = []
    digest = client_secret._digest
    monkeypatch.setattr(client_secret, "_digest", lambda *args: work.append(args) or digest(*args))
    client_secret.create(client_, now=NOW)
    work.clear()
    with django_assert_num_queries(1):
        assert not client_secret.use(client_secret.stored_of(client_), "wrong", now=NOW)
    digest_count = len(work)
    with django_assert_num_queries(1):
        assert not client_secret.use(client_secret.stored_of(None), "wrong", now=NOW)
    assert (digest_count, len(work)) == (1, 2)


def test_the_day_of_a_secrets_use_is_recorded_and_a_wrong_secret_is_not(
    client_: Client, django_assert_num_queries
) -> None:
    secret = client_secret.create(client_, now=NOW)
    client_secret.use(client_secret.stored_of(client_), "wrong", now=NOW)
    assert ClientSecret.objects.get().last_used_on is None
    client_secret.use(client_secret.stored_of(client_), secret, now=NOW)
    assert ClientSecret.objects.get().last_used_on == NOW.date()
    with django_assert_num_queries(1):
        client_secret.use(client_secret.stored_of(client_), secret, now=NOW + MINUTE)


@pytest.mark.parametrize("secret", ["x" * 43, "A-z_0" * 9])
def test_a_secret_made_elsewhere_is_accepted_if_it_can_have_256_bits(client_: Client, secret: str) -> None:
    assert client_secret.add(client_, secret, now=NOW) == secret


@pytest.mark.parametrize(
    "secret", ["", "x" * 42, "x" * 42 + "\n", "x" * 42 + "=", "x" * 42 + "é", "correct horse " * 9]
)
def test_a_secret_made_elsewhere_is_refused_if_it_cannot_have_256_bits(client_: Client, secret: str) -> None:
    with pytest.raises(ValueError, match="at least 43 characters"):
        client_secret.add(client_, secret, now=NOW)
    assert not ClientSecret.objects.exists()
