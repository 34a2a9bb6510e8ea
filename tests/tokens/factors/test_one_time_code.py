import secrets
from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

from tests.tokens.factories import make_user
from tokens import conf
from tokens.factors import one_time_code, secret_text
from tokens.factors.one_time_code import PERIOD, mark_used, matching_step, spend

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890", the key of RFC 6238's examples


def code(at, secret=SECRET):
    """Return the code that an authenticator app with the secret shows at `at`. allauth makes it."""
    return format_hotp_value(hotp_value(secret, int(at.timestamp()) // PERIOD))


def at(steps):
    return NOW + timedelta(seconds=steps * PERIOD)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_examples_of_rfc_6238_are_accepted(seconds, expected):
    now = datetime.fromtimestamp(seconds, UTC)
    assert matching_step(SECRET, expected, now=now) == seconds // PERIOD


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_the_step_before_now_or_after_is_accepted(steps):
    assert matching_step(SECRET, code(at(steps)), now=NOW) is not None


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_of_a_further_step_is_refused(steps):
    assert matching_step(SECRET, code(at(steps)), now=NOW) is None


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "ééé", "\N{FULLWIDTH DIGIT ONE}23456"])
def test_text_that_is_no_code_is_refused(typed):
    assert matching_step(SECRET, typed, now=NOW) is None


def test_blanks_in_a_code_do_not_count():
    shown = code(NOW)
    assert matching_step(SECRET, f" {shown[:3]} {shown[3:]} ", now=NOW) is not None


@pytest.fixture
def app(db):
    return TOTP.activate(make_user(), SECRET).instance


def test_a_code_is_accepted_once_in_each_spelling(app):
    shown = code(NOW)
    assert spend(app, shown, now=NOW)
    for again in (shown, f" {shown}", f"{shown[:3]} {shown[3:]}"):
        assert not spend(app, again, now=NOW)


def test_a_code_stays_used_for_all_the_time_in_which_it_is_valid(app):
    shown = code(at(1))
    assert spend(app, shown, now=NOW)
    for later in (at(1), at(2)):
        assert not spend(app, shown, now=later)


def test_an_earlier_code_is_refused_after_a_later_one(app):
    assert spend(app, code(NOW), now=NOW)
    assert not spend(app, code(at(-1)), now=NOW)
    assert spend(app, code(at(1)), now=at(1)), "and the next one counts"


def test_another_row_of_the_same_app_does_not_accept_the_code_again(app):
    """A second process read the app's row before the first process accepted the code.

    The second process still has this old copy of the row, which does not show that the code was used.
    """
    stale = Authenticator.objects.get(pk=app.pk)
    assert spend(app, code(NOW), now=NOW)
    assert not spend(stale, code(NOW), now=NOW)


def test_the_code_that_set_up_an_app_is_not_accepted_again(app):
    assert mark_used(app.user, matching_step(SECRET, code(NOW), now=NOW)) == app
    assert not spend(app, code(NOW), now=NOW)
    assert spend(app, code(at(1)), now=at(1))


def test_an_app_that_was_removed_accepts_nothing(app):
    Authenticator.objects.filter(pk=app.pk).delete()
    assert not spend(app, code(NOW), now=NOW)


def test_the_secret_is_encrypted_in_the_database_and_renewed_under_the_first_key(app, settings):
    stored = Authenticator.objects.get(pk=app.pk).data["secret"]
    assert SECRET not in stored
    assert stored.split(".")[1] == conf.issuer().encryption_keys()[0].id
    settings.ISSUER = settings.ISSUER | {
        "KEY_ENCRYPTION_KEYS": [secrets.token_urlsafe(32), *settings.ISSUER["KEY_ENCRYPTION_KEYS"]]
    }
    assert spend(app, code(NOW), now=NOW)
    renewed = Authenticator.objects.get(pk=app.pk).data["secret"]
    assert renewed.split(".")[1] == conf.issuer().encryption_keys()[0].id != stored.split(".")[1]


def test_a_secret_under_a_removed_key_is_an_error(app, settings):
    settings.ISSUER = settings.ISSUER | {"KEY_ENCRYPTION_KEYS": [secrets.token_urlsafe(32)]}
    with pytest.raises(secret_text.CannotDecrypt):
        spend(app, code(NOW), now=NOW)


def test_our_codes_are_those_of_the_app_s_standard_settings(settings):
    assert (one_time_code.DIGITS, one_time_code.PERIOD) == (6, 30)
    assert not hasattr(settings, "MFA_TOTP_DIGITS")
    assert not hasattr(settings, "MFA_TOTP_PERIOD")
    assert not hasattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE")
