"""Rotation of refresh tokens: retries get the same successor, and reuse revokes the token family."""

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.tokens.refresh_tokens import (
    DAMAGES,
    LATE,
    app,
    error,
    family_of,
    keys,
    later,
    log_in_to,
    old,
    refresh,
    reuse_events,
    server,
)
from tokens.issued import one_time, revocation_key, revocation_record, user_grant
from tokens.issued.refresh_rotation import RETRY_WINDOW
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import RefreshToken, Revocation, UserGrant
from tokens.revoking import purge

__all__ = ["app", "later", "log_in_to", "old", "server"]

pytestmark = pytest.mark.django_db
SUPERSEDED = "The refresh token was used before, and its successor was used or has expired. Use the newest one."


def test_reuse_of_a_public_clients_token_after_the_retry_window_revokes_the_family(client, app, log_in_to, later):
    first = log_in_to(app)["refresh_token"]
    second = refresh(client, app, first).json()["refresh_token"]
    third = refresh(client, app, second).json()["refresh_token"]
    assert len({first, second, third}) == 3
    later(LATE)
    assert error(refresh(client, app, first)) == (400, "invalid_grant")
    assert error(refresh(client, app, third)) == (400, "invalid_grant"), "the thief's and the owner's alike"
    grant = UserGrant.objects.get()
    assert grant.revoke_reason == "refresh token used twice"
    assert Revocation.objects.get().key == revocation_key.key("grant", str(grant.pk)), "its access tokens die as well"
    assert reuse_events().get().subject == f"grant:{grant.pk}"


@pytest.mark.parametrize("which", ["public", "confidential"])
def test_every_repeat_within_the_retry_window_gets_the_same_successor(client, app, server, log_in_to, later, which):
    of = {"public": app, "confidential": server}[which]
    of.rotates_refresh_tokens = True
    of.save()
    text = log_in_to(of)["refresh_token"]
    answers = [refresh(client, of, text) for _ in range(5)]
    later(RETRY_WINDOW)
    answers.append(refresh(client, of, text))
    assert {answer.status_code for answer in answers} == {200}
    [successor] = {answer.json()["refresh_token"] for answer in answers}
    assert len({answer.json()["access_token"] for answer in answers}) == 6
    assert RefreshToken.objects.count() == 2
    assert successor not in str(RefreshToken.objects.values()), "nothing readable is kept"
    assert refresh(client, of, successor).status_code == 200, "the user stays logged in"
    assert not reuse_events().exists()


def test_each_successor_has_the_next_generation(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    for number in (1, 2):
        text = refresh(client, app, text).json()["refresh_token"]
        assert RefreshToken.objects.get(digest=one_time.digest(text)).generation == number


def test_a_repeat_within_the_window_may_narrow_the_scope(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    whole, narrow = refresh(client, app, text).json(), refresh(client, app, text, scope="notes:read").json()
    assert narrow["scope"] == "notes:read"
    assert narrow["refresh_token"] == whole["refresh_token"]


def test_a_repeat_whose_successor_was_used_is_refused_within_the_window_and_revokes_after_it(
    client, app, log_in_to, later
):
    later()
    text = log_in_to(app)["refresh_token"]
    second = refresh(client, app, text).json()["refresh_token"]
    third = refresh(client, app, second).json()["refresh_token"]
    for _ in range(3):
        assert refresh(client, app, text).json() == {
            "error": "invalid_grant",
            "error_description": SUPERSEDED,
        }
    assert UserGrant.objects.get().revoked_at is None
    assert refresh(client, app, second).json()["refresh_token"] == third, "the newest one is given again"
    later(LATE)
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"
    assert reuse_events().count() == 1


def test_a_repeat_after_the_window_revokes_although_the_successor_is_unused(client, app, log_in_to, later):
    text = log_in_to(app)["refresh_token"]
    successor = refresh(client, app, text).json()["refresh_token"]
    later(LATE)
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert error(refresh(client, app, successor)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is not None


def test_a_successor_that_has_expired_is_not_given_again(client, app, log_in_to, later):
    later()
    app.refresh_token_idle_lifetime = timedelta(seconds=10)
    app.save()
    text = log_in_to(app)["refresh_token"]
    assert refresh(client, app, text).status_code == 200
    later(timedelta(seconds=10) - timedelta.resolution)
    assert refresh(client, app, text).status_code == 200
    later(timedelta(seconds=10))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None


def test_a_repeat_at_a_node_whose_clock_is_behind_gets_the_same_successor(client, app, log_in_to, later):
    text = log_in_to(app)["refresh_token"]
    successor = refresh(client, app, text).json()["refresh_token"]
    later(timedelta(seconds=-55))
    assert refresh(client, app, text).json()["refresh_token"] == successor


def test_reuse_that_several_requests_detect_is_one_event(app, log_in_to):
    log_in_to(app)
    grant = UserGrant.objects.get()
    for _ in range(3):
        user_grant.revoke_reused(grant, "refresh token used twice", actor="client:app", now=timezone.now())
    assert reuse_events().count() == 1
    assert UserGrant.objects.get().revoked_at is not None


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_used_token_is_no_reuse(client, app, log_in_to, later, damage):
    text = log_in_to(app)["refresh_token"]
    successor = refresh(client, app, text).json()["refresh_token"]
    later(LATE)
    assert error(refresh(client, app, DAMAGES[damage](text))) == (400, "invalid_grant")
    assert not reuse_events().exists()
    assert refresh(client, app, successor).status_code == 200


def test_a_token_from_after_the_backup_that_was_restored_is_no_reuse(client, app, log_in_to):
    """If a restored backup lacks the newest refresh token, this token is refused, but does not count as reuse.

    The backup was made before the rotation. So the restored database has the token family, but not the newest token.
    """
    first = log_in_to(app)["refresh_token"]
    before = RefreshToken.objects.values().get()
    second = refresh(client, app, first).json()["refresh_token"]
    RefreshToken.objects.all().delete()
    RefreshToken.objects.create(**before)
    assert error(refresh(client, app, second)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None
    assert not reuse_events().exists()
    assert refresh(client, app, first).json()["refresh_token"] == second, "the same successor as before the restore"
    assert refresh(client, app, second).status_code == 200


def test_repeats_agree_while_the_encrypting_key_is_changed(client, app, log_in_to, caplog):
    former, first = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(former):
        text = log_in_to(app)["refresh_token"]
    with keys(former, first):
        successor = refresh(client, app, text).json()["refresh_token"]
    with keys(first, former):
        assert refresh(client, app, text).json()["refresh_token"] == successor
        newest = refresh(client, app, successor).json()["refresh_token"]
    with keys(former, first):
        assert refresh(client, app, successor).json()["refresh_token"] == newest
    with keys(first):
        assert refresh(client, app, newest).status_code == 200, "its row proves that it was issued"


def test_a_node_that_lacks_the_key_of_a_successor_answers_503_and_revokes_nothing(client, app, log_in_to):
    former, first = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with keys(former):
        text = log_in_to(app)["refresh_token"]
        successor = refresh(client, app, text).json()["refresh_token"]
    with keys(first):
        answer = refresh(client, app, text)
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer["Retry-After"]
    assert UserGrant.objects.get().revoked_at is None
    with keys(former):
        assert refresh(client, app, text).json()["refresh_token"] == successor


def test_a_used_row_is_kept_for_the_retry_window_and_while_its_access_token_is_accepted(client, app, log_in_to, later):
    first = log_in_to(app)["refresh_token"]
    refresh(client, app, first)
    start = timezone.now() + RETRY_WINDOW + revocation_record.acceptance_after_issue() + 2 * PRODUCTION.clock_error
    assert list(purge.purge("refresh tokens", now=start - timedelta(seconds=2))) == []
    assert list(purge.purge("refresh tokens", now=start + timedelta(seconds=2))) == [1]


def rotated_by_an_earlier_version(text):
    """Use the refresh token `text` as an earlier version of the issuer did, and return its successor.

    The successor is random. In the current version, it is derived from `text`.
    """
    row, now = RefreshToken.objects.get(digest=one_time.digest(text)), timezone.now()
    successor = f"{family_of(text)}.{one_time.new()}"
    RefreshToken.objects.create(
        digest=one_time.digest(successor),
        family=row.family,
        grant=row.grant,
        created_at=now,
        expires_at=row.expires_at,
        previous=row.digest,
    )
    RefreshToken.objects.filter(pk=row.pk).update(used_at=now, expires_at=now + RETRY_WINDOW)
    return successor


def test_a_token_of_an_earlier_version_rotates_into_the_new_form(client, app, old, later):
    successors = {refresh(client, app, old).json()["refresh_token"] for _ in range(3)}
    assert len(successors) == 1
    assert refresh(client, app, successors.pop()).status_code == 200
    later(LATE)
    assert error(refresh(client, app, old)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"


def test_a_token_that_an_earlier_version_rotated_gets_one_more_successor_and_reuse_is_detected(client, app, old):
    random_one = rotated_by_an_earlier_version(old)
    [derived] = {refresh(client, app, old).json()["refresh_token"] for _ in range(3)}
    assert derived != random_one, "a random one cannot be given again"
    newest = refresh(client, app, derived).json()["refresh_token"]
    assert error(refresh(client, app, random_one)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"
    assert error(refresh(client, app, newest)) == (400, "invalid_grant")


def test_a_confidential_client_s_token_is_not_rotated_unless_it_is_configured(client, server, log_in_to):
    text = log_in_to(server)["refresh_token"]
    for _ in range(3):
        body = refresh(client, server, text).json()
        assert "refresh_token" not in body
    server.rotates_refresh_tokens = True
    server.save()
    assert refresh(client, server, text).json()["refresh_token"] != text


def test_reuse_of_a_used_token_is_detected_although_its_client_does_not_rotate_any_more(
    client, server, log_in_to, later
):
    server.rotates_refresh_tokens = True
    server.save()
    spent = log_in_to(server)["refresh_token"]
    successor = refresh(client, server, spent).json()["refresh_token"]
    server.rotates_refresh_tokens = False
    server.save()
    assert refresh(client, server, spent).json()["refresh_token"] == successor
    assert "refresh_token" not in refresh(client, server, successor).json()
    later(LATE)
    assert error(refresh(client, server, spent)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"


def test_a_lost_answer_is_not_repeated_after_the_family_expired(client, app, log_in_to, later):
    app.refresh_token_lifetime = timedelta(seconds=90)
    app.save()
    text = log_in_to(app)["refresh_token"]
    later(timedelta(seconds=80))
    assert refresh(client, app, text).status_code == 200
    later(timedelta(seconds=95))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


def test_a_lost_answer_is_not_given_again_after_a_lifetime_below_a_minute(client, app, log_in_to, later):
    later()
    app.refresh_token_lifetime = timedelta(seconds=30)
    app.save()
    text = log_in_to(app)["refresh_token"]
    later(timedelta(seconds=20))
    assert refresh(client, app, text).status_code == 200
    later(timedelta(seconds=31))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None
