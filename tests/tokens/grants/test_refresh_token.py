"""Refresh tokens: who gets one, what it gives, how it rotates, and how its family ends."""

import secrets
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps as registered
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from tests.tokens.factories import (
    API,
    OTHER_API,
    allow,
    authorization,
    basic,
    log_in,
    make_client,
    parameters,
    post,
    redeem,
)
from tokens.clients import client_secret
from tokens.issued import one_time, revocation_key, revocation_record, user_grant
from tokens.issued.refresh_rotation import RETRY_WINDOW
from tokens.keys.rules.policy import PRODUCTION
from tokens.models import AuditEvent, RefreshToken, Revocation, Scope, UserGrant
from tokens.revoking import purge

pytestmark = pytest.mark.django_db
GRANTS = ("authorization_code", "refresh_token")
ISSUER = "http://localhost:8000"
SCOPE = "openid notes:read notes:write offline_access"
LATE = timedelta(minutes=2)
"""After every retry window, however slow the machine is."""
SUPERSEDED = "The refresh token was used before, and its successor was used or has expired. Use the newest one."


@pytest.fixture
def app(apis):
    """A public client: its refresh tokens rotate."""
    return make_client("app", *GRANTS, public=True)


@pytest.fixture
def server(apis):
    """A confidential client: it authenticates, and its refresh token stays."""
    made = make_client("server", *GRANTS)
    made.plain = client_secret.create(made, now=timezone.now())
    return made


@pytest.fixture
def log_in_to(client, user, signer):
    """The token response after the user allowed a client what it asks for."""

    def answer(of, scope=SCOPE, **changes):
        log_in(client, user, ago=100)
        code = parameters(allow(client, authorization(of, scope=scope, **changes)))["code"]
        return redeem(client, of, code).json()

    return answer


def refresh(browser, of, text, **changes):
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": of.client_id, **changes}
    if hasattr(of, "plain"):
        form["client_secret"] = of.plain
    return post(browser, "/oauth/token", form)


def error(answer):
    return answer.status_code, answer.json().get("error")


@pytest.fixture
def later(at):
    """Let time pass for the token endpoint."""
    start = timezone.now()

    def wait(duration=timedelta(0)):
        at(start + duration)

    return wait


def test_offline_access_gives_a_refresh_token_of_which_only_the_hash_is_kept(app, log_in_to):
    body = log_in_to(app)
    assert len(body["refresh_token"]) >= 43
    assert "offline_access" in body["scope"]
    row = RefreshToken.objects.get()
    assert row.digest == one_time.digest(body["refresh_token"])
    assert body["refresh_token"] not in str(RefreshToken.objects.values().get())


def test_without_offline_access_there_is_none_unless_the_client_s_policy_says_so(app, log_in_to):
    assert "refresh_token" not in log_in_to(app, scope="openid notes:read")
    app.always_gets_refresh_token = True
    app.save()
    assert "refresh_token" in log_in_to(app, scope="openid notes:read")


def test_offline_access_is_left_out_for_a_client_without_the_grant(client, spa, user, signer):
    """OpenID Connect Core section 11: it is ignored unless it can be granted."""
    log_in(client, user)
    body = redeem(client, spa, parameters(allow(client, authorization(spa, scope=SCOPE)))["code"]).json()
    assert body["scope"] == "openid notes:read notes:write"
    assert "refresh_token" not in body
    alone = parameters(allow(client, authorization(spa, scope="offline_access")))
    assert alone["error"] == "invalid_scope", "nothing else is requested"
    spa.always_gets_refresh_token = True
    spa.save()
    answer = allow(client, authorization(spa, scope="openid notes:read"))
    assert "refresh_token" not in redeem(client, spa, parameters(answer)["code"]).json()


@pytest.mark.parametrize("scope", ["offline_access", "profile offline_access", "other:read offline_access"])
def test_offline_access_alone_or_with_what_is_not_the_client_s_is_refused(client, app, user, scope):
    log_in(client, user)
    assert parameters(allow(client, authorization(app, scope=scope)))["error"] == "invalid_scope"


def test_a_refresh_keeps_who_logged_in_when_and_how(client, app, log_in_to, decode, user):
    first = log_in_to(app)
    old, old_id = decode(first["access_token"], API)[1], decode(first["id_token"], "app")[1]
    answer = refresh(client, app, first["refresh_token"])
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    header, new = decode(body["access_token"], API)
    assert header["typ"] == "at+jwt"
    for claim in ("iss", "sub", "aud", "client_id", "scope", "auth_time", "acr", "amr", "grant_id"):
        assert new[claim] == old[claim], claim
    assert new["jti"] != old["jti"]
    new_id = decode(body["id_token"], "app")[1]
    assert (new_id["sub"], new_id["auth_time"], new_id["iss"]) == (old_id["sub"], old_id["auth_time"], old_id["iss"])
    assert "nonce" not in new_id, "OpenID Connect Core section 12.2"


def test_the_scope_may_narrow_for_one_token_and_never_widen(client, app, log_in_to, decode):
    text = log_in_to(app, scope="notes:read notes:write offline_access")["refresh_token"]
    narrow = refresh(client, app, text, scope="notes:read").json()
    assert narrow["scope"] == "notes:read"
    assert "id_token" not in narrow
    whole = refresh(client, app, narrow["refresh_token"]).json()
    assert set(whole["scope"].split()) == {"notes:read", "notes:write", "offline_access"}
    for wide in ("openid", "other:read", "notes:read admin", "email"):
        assert error(refresh(client, app, whole["refresh_token"], scope=wide)) == (400, "invalid_scope")
    assert refresh(client, app, whole["refresh_token"]).status_code == 200, "a refused request used nothing up"


def test_the_user_s_identity_alone_is_for_the_issuer(client, app, log_in_to, decode):
    """As in an authorization request: no token is for an API without a scope of its own."""
    text = log_in_to(app)["refresh_token"]
    body = refresh(client, app, text, scope="openid").json()
    assert decode(body["access_token"], ISSUER)[1]["scope"] == "openid"
    text = body["refresh_token"]
    for nothing in ("offline_access", "profile"):
        assert error(refresh(client, app, text, scope=nothing)) == (400, "invalid_scope")
    assert error(refresh(client, app, text, scope="openid", resource=API)) == (400, "invalid_scope")
    assert refresh(client, app, text, scope="openid notes:read").json()["scope"] == "openid notes:read"


def test_a_scope_that_the_client_lost_since_is_not_given_again(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    app.scopes.remove(Scope.objects.get(name="notes:write"))
    body = refresh(client, app, text).json()
    assert "notes:write" not in body["scope"]


def test_a_refresh_token_is_for_its_own_resource(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    assert error(refresh(client, app, text, resource=OTHER_API)) == (400, "invalid_target")
    assert refresh(client, app, text, resource=API).status_code == 200


def test_a_user_s_identity_is_told_under_the_grant_that_is_for_an_api(client, server, log_in_to, decode, user):
    """RFC 8707 section 2.2: the issuer is a resource that was allowed with the rest."""
    text = log_in_to(server, scope="openid email notes:read offline_access")["refresh_token"]
    body = refresh(client, server, text, resource=ISSUER).json()
    assert decode(body["access_token"], ISSUER)[1]["scope"] == "openid email offline_access"
    told = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
    assert told["email"] == "ada@example.org"
    assert error(refresh(client, server, text, resource=ISSUER, scope="notes:read")) == (400, "invalid_scope")
    for other in ([API, ISSUER], OTHER_API, f"{ISSUER}//"):
        assert error(refresh(client, server, text, resource=other)) == (400, "invalid_target")


def test_without_the_user_s_identity_the_issuer_is_no_resource(client, server, log_in_to):
    text = log_in_to(server, scope="notes:read offline_access")["refresh_token"]
    assert error(refresh(client, server, text, resource=ISSUER)) == (400, "invalid_target")


# --- rotation (RFC 9700 section 4.14.2) ------------------------------------------------------------------------------


def reuse_events():
    return AuditEvent.objects.filter(action="grant.reuse_detected")


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
    later(timedelta(seconds=15))
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


# --- what was never issued -------------------------------------------------------------------------------------------


def family_of(text):
    return text.partition(".")[0]


DAMAGES = {
    "a blank appended": lambda text: f"{text} ",
    "a blank before": lambda text: f" {text}",
    "the last character missing": lambda text: text[:-1],
    "the last character another one": lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
    "cut at 64 characters": lambda text: text[:64],
    "cut to its family": family_of,
    "a made-up second half": lambda text: f"{family_of(text)}.{one_time.new()}",
    "a made-up successor": lambda text: f"{family_of(text)}.1.{'A' * 32}.{'A' * 32}",
    "another generation": lambda text: text.replace(".0.", ".1."),
    "another case": lambda text: text.swapcase(),
    "twice in a row": lambda text: text + text,
    "the family of nobody": lambda text: "A" + text[1:] if text[0] != "A" else "B" + text[1:],
    "no family": lambda text: text[text.index(".") :],
}


@pytest.mark.parametrize("which", ["app", "server"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_token_is_invalid_grant_and_revokes_nothing(client, request, log_in_to, which, damage):
    of = request.getfixturevalue(which)
    text = log_in_to(of)["refresh_token"]
    refused = refresh(client, of, DAMAGES[damage](text))
    assert error(refused) == (400, "invalid_grant")
    assert refused.json()["error_description"] == "The refresh token is unknown, expired, or another client's."
    assert UserGrant.objects.get().revoked_at is None
    assert not reuse_events().exists()
    assert refresh(client, of, text).status_code == 200


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_spent_token_is_no_reuse(client, app, log_in_to, later, damage):
    text = log_in_to(app)["refresh_token"]
    successor = refresh(client, app, text).json()["refresh_token"]
    later(LATE)
    assert error(refresh(client, app, DAMAGES[damage](text))) == (400, "invalid_grant")
    assert not reuse_events().exists()
    assert refresh(client, app, successor).status_code == 200


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_token_revokes_nothing_at_the_revocation_endpoint(client, app, log_in_to, damage):
    text = log_in_to(app)["refresh_token"]
    answer = post(client, "/oauth/revoke", {"token": DAMAGES[damage](text), "client_id": "app"})
    assert (answer.status_code, answer.content) == (200, b""), "RFC 7009 section 2.2"
    assert UserGrant.objects.get().revoked_at is None
    assert refresh(client, app, text).status_code == 200
    assert post(client, "/oauth/revoke", {"token": text, "client_id": "app"}).status_code == 200
    assert UserGrant.objects.get().revoke_reason == "revoked by its client"


def test_a_token_from_after_the_backup_that_was_restored_is_no_reuse(client, app, log_in_to):
    """The database went back to before the rotation: it knows the family, and not its newest token."""
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


# --- KEY_ENCRYPTION_KEYS ---------------------------------------------------------------------------------------------


def keys(*entries):
    return override_settings(ISSUER=settings.ISSUER | {"KEY_ENCRYPTION_KEYS": list(entries)})


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


def test_unreadable_encrypting_keys_are_503_at_refresh_and_revocation(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    with keys("too short"):
        assert refresh(client, app, text).status_code == 503
        assert refresh(client, app, f"{text} ").status_code == 503
        assert post(client, "/oauth/revoke", {"token": f"{text} ", "client_id": "app"}).status_code == 503
    assert refresh(client, app, text).status_code == 200


# --- rows that were purged -------------------------------------------------------------------------------------------


def purged(*texts):
    """Let the rows of these tokens be over, and purge."""
    over = timezone.now() - revocation_record.acceptance_after_issue() - timedelta(days=1)
    RefreshToken.objects.filter(digest__in=map(one_time.digest, texts)).update(expires_at=over)
    assert sum(purge.purge("refresh tokens", now=timezone.now())) == len(texts)


def test_one_of_which_no_row_is_left_ends_its_family_too(client, app, log_in_to):
    first = log_in_to(app)["refresh_token"]
    second = refresh(client, app, first).json()["refresh_token"]
    third = refresh(client, app, second).json()["refresh_token"]
    purged(first, second)
    assert error(refresh(client, app, first)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"
    assert error(refresh(client, app, third)) == (400, "invalid_grant")


def test_one_of_which_no_row_is_left_takes_its_family_back(client, app, log_in_to):
    """RFC 7009 section 2.1: what was issued under the grant goes with it."""
    first = log_in_to(app)["refresh_token"]
    refresh(client, app, first)
    purged(first)
    assert post(client, "/oauth/revoke", {"token": first, "client_id": "app"}).status_code == 200
    assert UserGrant.objects.get().revoke_reason == "revoked by its client"


def test_one_of_which_no_row_is_left_says_nothing_to_another_client(client, app, server, log_in_to):
    first = log_in_to(app)["refresh_token"]
    second = refresh(client, app, first).json()["refresh_token"]
    purged(first)
    assert error(refresh(client, server, first)) == (400, "invalid_grant")
    assert refresh(client, app, second).status_code == 200


def test_a_spent_row_is_kept_for_a_lost_answer_and_while_what_it_gave_lives(client, app, log_in_to, later):
    first = log_in_to(app)["refresh_token"]
    refresh(client, app, first)
    start = timezone.now() + RETRY_WINDOW + revocation_record.acceptance_after_issue() + 2 * PRODUCTION.clock_error
    assert list(purge.purge("refresh tokens", now=start - timedelta(seconds=2))) == []
    assert list(purge.purge("refresh tokens", now=start + timedelta(seconds=2))) == [1]


def test_a_family_is_not_guessed_and_one_that_ended_by_itself_was_not_stolen(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    beginning, _, own = text.partition(".")
    for made_up in (own, f".{own}", f"{own}.{beginning}", f"{beginning[:-1]}.{own}", f" {text}", "."):
        assert error(refresh(client, app, made_up)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None
    purged(text)
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None, "it was idle for too long"


# --- tokens of earlier versions: `<family>.<own part>`, both random -------------------------------------------------


@pytest.fixture
def old(app, log_in_to):
    """A live token as an earlier version issued it, and its row."""
    log_in_to(app)
    family = one_time.new()
    text = f"{family}.{one_time.new()}"
    RefreshToken.objects.update(
        digest=one_time.digest(text), family=one_time.digest(family), generation=0, encryption_key_id=""
    )
    return text


def spent_by_an_earlier_version(text):
    """Spend a token for a random successor, as an earlier version did; return that."""
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


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_token_of_an_earlier_version_revokes_nothing(client, app, old, damage):
    if DAMAGES[damage](old) != old:
        assert error(refresh(client, app, DAMAGES[damage](old))) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None
    assert refresh(client, app, old).status_code == 200


def test_a_token_that_an_earlier_version_spent_gets_one_more_successor_of_which_one_is_used(client, app, old):
    theirs = spent_by_an_earlier_version(old)
    [ours] = {refresh(client, app, old).json()["refresh_token"] for _ in range(3)}
    assert ours != theirs, "a random one cannot be given again"
    newest = refresh(client, app, ours).json()["refresh_token"]
    assert error(refresh(client, app, theirs)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"
    assert error(refresh(client, app, newest)) == (400, "invalid_grant")


def test_a_token_without_a_family_of_its_own_begins_one(client, app, log_in_to):
    log_in_to(app)
    old = "a" * 43
    RefreshToken.objects.update(digest=one_time.digest(old), family="", encryption_key_id="")
    import_module("tokens.migrations.0018_refresh_token_families").begin_families(registered, None)
    second = refresh(client, app, old).json()["refresh_token"]
    third = refresh(client, app, second).json()["refresh_token"]
    purged(old, second)
    assert error(refresh(client, app, old)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None, "without its row nothing shows that it was issued"
    assert error(refresh(client, app, second)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoke_reason == "refresh token used twice"
    assert error(refresh(client, app, third)) == (400, "invalid_grant")


# --- clients whose tokens stay ---------------------------------------------------------------------------------------


def test_a_confidential_client_s_token_stays_unless_the_client_says_so(client, server, log_in_to):
    text = log_in_to(server)["refresh_token"]
    for _ in range(3):
        body = refresh(client, server, text).json()
        assert "refresh_token" not in body
    server.rotates_refresh_tokens = True
    server.save()
    assert refresh(client, server, text).json()["refresh_token"] != text


def test_a_spent_token_is_judged_as_such_although_its_client_does_not_rotate_any_more(client, server, log_in_to, later):
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


def test_a_lost_answer_is_not_given_again_after_the_family_has_ended(client, app, log_in_to, later):
    app.refresh_token_lifetime = timedelta(seconds=90)
    app.save()
    text = log_in_to(app)["refresh_token"]
    later(timedelta(seconds=80))
    assert refresh(client, app, text).status_code == 200
    later(timedelta(seconds=95))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


def test_a_client_that_lost_its_api_refreshes_nothing_for_it(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    app.scopes.clear()
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


def test_a_client_that_may_use_an_api_without_a_scope_refreshes_without_one(client, app, apis, log_in_to, decode):
    app.always_gets_refresh_token = True
    app.save()
    app.apis.set([apis[OTHER_API]])
    text = log_in_to(app, scope="openid", resource=OTHER_API)["refresh_token"]
    body = refresh(client, app, text).json()
    assert (body["scope"], decode(body["access_token"], OTHER_API)[1].get("scope")) == ("openid", None)
    app.apis.clear()
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


# --- its end ---------------------------------------------------------------------------------------------------------


def test_it_ends_when_it_is_idle_and_each_use_begins_anew(client, server, log_in_to, later):
    server.refresh_token_idle_lifetime, server.refresh_token_lifetime = timedelta(hours=1), timedelta(hours=3)
    server.save()
    text = log_in_to(server)["refresh_token"]
    for minutes in (50, 100, 150):
        later(timedelta(minutes=minutes))
        assert refresh(client, server, text).status_code == 200
    later(timedelta(minutes=179))
    assert refresh(client, server, text).status_code == 200
    later(timedelta(minutes=181))
    assert error(refresh(client, server, text)) == (400, "invalid_grant"), "absolute: however often it was used"


def test_it_is_refused_once_it_was_idle_for_too_long(client, app, log_in_to, later):
    app.refresh_token_idle_lifetime = timedelta(hours=1)
    app.save()
    text = log_in_to(app)["refresh_token"]
    later(timedelta(minutes=61))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")
    assert UserGrant.objects.get().revoked_at is None, "nobody stole anything"


def test_a_rotated_token_lives_no_longer_than_the_family(client, app, log_in_to, later):
    app.refresh_token_lifetime = timedelta(hours=2)
    app.save()
    text = log_in_to(app)["refresh_token"]
    later(timedelta(minutes=90))
    text = refresh(client, app, text).json()["refresh_token"]
    assert RefreshToken.objects.get(digest=one_time.digest(text)).expires_at == UserGrant.objects.get().ends_at


@pytest.mark.parametrize("which", ["app", "server"])
def test_a_lifetime_below_a_minute_is_kept(client, request, user, signer, later, which):
    """The code can be redeemed for a minute all the same."""
    later()
    of = request.getfixturevalue(which)
    of.refresh_token_lifetime = timedelta(seconds=30)
    of.save()
    log_in(client, user)
    codes = [parameters(allow(client, authorization(of, scope=SCOPE)))["code"] for _ in range(2)]
    text = redeem(client, of, codes[0]).json()["refresh_token"]
    grant = UserGrant.objects.get(code__digest=one_time.digest(codes[0]))
    kept = RefreshToken.objects.get(grant=grant)
    assert kept.expires_at == grant.created_at + timedelta(seconds=30)
    later(timedelta(seconds=25))
    text = refresh(client, of, text).json().get("refresh_token", text)
    later(timedelta(seconds=31))
    assert error(refresh(client, of, text)) == (400, "invalid_grant")
    late = redeem(client, of, codes[1])
    assert late.status_code == 200, "the code itself is good for a minute"
    assert "refresh_token" not in late.json()
    assert not RefreshToken.objects.filter(grant__code__digest=one_time.digest(codes[1])).exists()
    assert UserGrant.objects.get(pk=grant.pk).revoked_at is None


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


def test_a_grant_of_an_earlier_version_ends_with_its_family(client, app, log_in_to, later):
    app.refresh_token_lifetime = timedelta(hours=1)
    app.save()
    text = log_in_to(app)["refresh_token"]
    UserGrant.objects.update(refresh_until=None)
    later(timedelta(minutes=59))
    text = refresh(client, app, text).json()["refresh_token"]
    later(timedelta(minutes=61))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


@pytest.mark.parametrize("whose", ["user", "client", "grant", "revoked by its client"])
def test_what_is_disabled_or_revoked_refreshes_nothing(client, app, user, log_in_to, whose):
    text = log_in_to(app)["refresh_token"]
    if whose == "user":
        user.is_active = False
        user.save()
    elif whose == "client":
        app.is_active = False
        app.save()
    elif whose == "grant":
        UserGrant.objects.update(revoked_at=timezone.now())
    else:
        revoked = post(client, "/oauth/revoke", {"token": text, "client_id": "app"})
        assert (revoked.status_code, revoked.content) == (200, b"")
        assert Revocation.objects.get().key == revocation_key.key("grant", str(UserGrant.objects.get().pk))
    code, name = error(refresh(client, app, text))
    assert (code, name) == ((401, "invalid_client") if whose == "client" else (400, "invalid_grant"))


def test_another_client_that_shows_it_gets_nothing_and_its_owner_keeps_it(client, app, server, log_in_to):
    text = log_in_to(app)["refresh_token"]
    assert error(refresh(client, server, text)) == (400, "invalid_grant")
    refused = post(client, "/oauth/revoke", {"token": text}, **basic("server", server.plain))
    assert error(refused) == (400, "invalid_grant")
    asked = post(client, "/oauth/introspect", {"token": text}, **basic("server", server.plain))
    assert asked.json() == {"active": False}
    assert refresh(client, app, text).status_code == 200


def test_introspection_tells_its_client_until_it_ends(client, server, user, log_in_to, later):
    text = log_in_to(server)["refresh_token"]
    told = post(client, "/oauth/introspect", {"token": text}, **basic("server", server.plain)).json()
    assert (told["active"], told["client_id"], told["sub"]) == (True, "server", str(user.sub))
    assert set(told) == {"active", "client_id", "iss", "sub", "scope", "iat", "exp"}
    post(client, "/oauth/revoke", {"token": text}, **basic("server", server.plain))
    assert post(client, "/oauth/introspect", {"token": text}, **basic("server", server.plain)).json() == {
        "active": False
    }


@pytest.mark.parametrize("text", ["x", "é" * 43, "a" * 5000, "null", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_refresh_token_is_invalid_grant(client, app, text):
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


def test_a_missing_refresh_token_is_invalid_request(client, app):
    answer = post(client, "/oauth/token", {"grant_type": "refresh_token", "client_id": "app"})
    assert error(answer) == (400, "invalid_request")


def test_an_access_token_or_a_code_is_no_refresh_token(client, app, log_in_to, code):
    body = log_in_to(app)
    assert error(refresh(client, app, body["access_token"])) == (400, "invalid_grant")
    assert error(refresh(client, app, code(app, scope=SCOPE))) == (400, "invalid_grant")


def test_a_reused_code_revokes_the_refresh_token_that_it_gave(client, app, user, signer, later):
    log_in(client, user)
    issued = parameters(allow(client, authorization(app, scope=SCOPE)))["code"]
    text = redeem(client, app, issued).json()["refresh_token"]
    later(LATE)
    assert error(redeem(client, app, issued)) == (400, "invalid_grant")
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


@pytest.mark.parametrize("which", ["app", "server"])
def test_a_code_and_a_refresh_cost_at_most_ten_statements(
    client, request, user, signer, which, django_assert_max_num_queries
):
    of = request.getfixturevalue(which)
    log_in(client, user)
    first = redeem(client, of, parameters(allow(client, authorization(of, scope=SCOPE)))["code"])
    issued = parameters(allow(client, authorization(of, scope=SCOPE)))["code"]
    with django_assert_max_num_queries(10):
        assert redeem(client, of, issued).status_code == 200
    with django_assert_max_num_queries(10):
        assert refresh(client, of, first.json()["refresh_token"]).status_code == 200
