"""A client's secrets: several at once, each until it ends, none to be read from the database."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import override_settings

from tokens.models import Client, ClientSecret
from tokens.oauth import client_secret

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def client_(db) -> Client:
    return Client.objects.create(name="webapp")


def keys(*entries: str):
    return override_settings(ISSUER=settings.ISSUER | {"KEY_ENCRYPTION_KEYS": list(entries)})


def test_a_secret_opens_its_own_client_only(client_: Client) -> None:
    secret = client_secret.create(client_, now=NOW)
    other = Client.objects.create(name="other")
    client_secret.create(other, now=NOW)
    assert client_secret.matches(client_secret.kept_of(client_), secret, now=NOW)
    assert not client_secret.matches(client_secret.kept_of(other), secret, now=NOW)
    assert not client_secret.matches(client_secret.kept_of(None), secret, now=NOW)


def test_a_secret_has_256_random_bits_and_is_not_in_the_database(client_: Client) -> None:
    secret = client_secret.create(client_, now=NOW)
    kept = ClientSecret.objects.get()
    assert (len(secret), len(bytes(kept.digest)), kept.hint) == (43, 32, secret[-4:])
    assert secret.encode() not in bytes(kept.digest)
    assert secret not in str(ClientSecret.objects.values())
    assert secret != client_secret.create(client_, now=NOW)


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.upper(), lambda s: f" {s}"])
def test_a_neighbour_of_the_secret_is_refused(client_: Client, change) -> None:
    assert not client_secret.matches(
        client_secret.kept_of(client_), change(client_secret.create(client_, now=NOW)), now=NOW
    )


@pytest.mark.parametrize("kept", [0, 1])
def test_a_blank_secret_never_authenticates(client_: Client, kept: int) -> None:
    for _ in range(kept):
        client_secret.create(client_, now=NOW)
    assert not client_secret.matches(client_secret.kept_of(client_), "", now=NOW)


def test_a_blank_secret_is_refused_even_where_its_hash_was_written_into_the_table(client_: Client) -> None:
    client_secret.create(client_, now=NOW)
    ((_, key),) = client_secret._keys(tuple(settings.ISSUER["KEY_ENCRYPTION_KEYS"])).items()
    ClientSecret.objects.update(digest=client_secret._digest(key, ""))
    assert not client_secret.matches(client_secret.kept_of(client_), "", now=NOW)


def test_the_stored_hash_is_not_itself_a_secret(client_: Client) -> None:
    client_secret.create(client_, now=NOW)
    digest = bytes(ClientSecret.objects.get().digest)
    assert not client_secret.matches(client_secret.kept_of(client_), digest.hex(), now=NOW)
    assert not client_secret.matches(client_secret.kept_of(client_), digest.decode("latin-1"), now=NOW)


def test_a_secret_is_rotated_without_downtime(client_: Client) -> None:
    old = client_secret.create(client_, now=NOW)
    new = client_secret.create(client_, now=NOW + MINUTE)
    assert client_secret.matches(client_secret.kept_of(client_), old, now=NOW + MINUTE)
    assert client_secret.matches(client_secret.kept_of(client_), new, now=NOW + MINUTE)
    ClientSecret.objects.filter(hint=old[-4:]).update(revoked_at=NOW + 2 * MINUTE)
    assert not client_secret.matches(client_secret.kept_of(client_), old, now=NOW + 2 * MINUTE)
    assert client_secret.matches(client_secret.kept_of(client_), new, now=NOW + 2 * MINUTE)


def test_a_secret_ends_at_the_instant_it_expires(client_: Client) -> None:
    secret = client_secret.create(client_, now=NOW, expires_at=NOW + MINUTE)
    assert client_secret.matches(client_secret.kept_of(client_), secret, now=NOW + MINUTE - timedelta(microseconds=1))
    assert not client_secret.matches(client_secret.kept_of(client_), secret, now=NOW + MINUTE)


def test_the_key_of_the_hash_can_be_changed_while_secrets_live(client_: Client) -> None:
    first, second = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(first):
        old = client_secret.create(client_, now=NOW)
    with keys(second, first):
        new = client_secret.create(client_, now=NOW)
        assert client_secret.matches(client_secret.kept_of(client_), old, now=NOW)
    with keys(second):
        assert client_secret.matches(client_secret.kept_of(client_), new, now=NOW)
        assert not client_secret.matches(client_secret.kept_of(client_), old, now=NOW)


def test_a_client_that_does_not_exist_costs_the_same_work(
    client_: Client, django_assert_num_queries, monkeypatch
) -> None:
    work = []
    digest = client_secret._digest
    monkeypatch.setattr(client_secret, "_digest", lambda *args: work.append(args) or digest(*args))
    client_secret.create(client_, now=NOW)
    work.clear()
    with django_assert_num_queries(1):
        assert not client_secret.matches(client_secret.kept_of(client_), "wrong", now=NOW)
    known = len(work)
    with django_assert_num_queries(1):
        assert not client_secret.matches(client_secret.kept_of(None), "wrong", now=NOW)
    assert (known, len(work)) == (1, 2)


def test_the_day_of_a_secrets_use_is_kept_and_a_wrong_guess_leaves_no_trace(
    client_: Client, django_assert_num_queries
) -> None:
    secret = client_secret.create(client_, now=NOW)
    client_secret.matches(client_secret.kept_of(client_), "wrong", now=NOW)
    assert ClientSecret.objects.get().last_used_on is None
    client_secret.matches(client_secret.kept_of(client_), secret, now=NOW)
    assert ClientSecret.objects.get().last_used_on == NOW.date()
    with django_assert_num_queries(1):
        client_secret.matches(client_secret.kept_of(client_), secret, now=NOW + MINUTE)


def test_a_secret_made_elsewhere_must_be_long_enough(client_: Client) -> None:
    assert client_secret.add(client_, "x" * 32, now=NOW) == "x" * 32
    with pytest.raises(ValueError, match="at least 32 characters"):
        client_secret.add(client_, "x" * 31, now=NOW)
