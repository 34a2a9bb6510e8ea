"""The sources of claims about the user (CLAIMS_SOURCE), and the claims that a deployment supports."""

import sys
from datetime import UTC, date, datetime, timedelta
from types import ModuleType, SimpleNamespace

import pytest
from django.core.exceptions import ObjectDoesNotExist

from tokens.claims import names, source
from tokens.claims.claims_error import ClaimsFailed
from tokens.models import User

BUILT_IN = ("name", "given_name", "family_name", "preferred_username", "updated_at", "email", "email_verified")


class Profile:
    """A database row that is related to a user, as an app of the deployment can have."""

    language = "de-CH"
    birthdate = date(1815, 12, 10)
    nickname = ""
    photo = SimpleNamespace(url="https://a.example/ada.png")
    changed = datetime(2126, 1, 1, tzinfo=UTC)
    address = {"locality": "London", "region": "", "postal_code": 1}
    gone = None

    @property
    def broken(self):
        raise RuntimeError("broken")


@pytest.fixture
def profile(monkeypatch):
    monkeypatch.setattr(User, "profile", Profile(), raising=False)


@pytest.fixture
def configured(settings):
    def configure(**entries):
        settings.ISSUER = settings.ISSUER | {"CLAIMS_SOURCE": entries}

    return configure


def test_by_default_a_deployment_gives_what_the_user_model_has():
    assert source.supported() == BUILT_IN


def test_a_deployment_gives_exactly_what_it_configures_in_addition(configured, settings):
    configured(locale="profile.language", phone_number="x.y", address="a:b")
    given = source.supported()
    assert set(given) == {*BUILT_IN, "locale", "phone_number", "address"}
    settings.ISSUER = settings.ISSUER | {"GROUPS_CLAIM": ["editors"]}
    assert set(source.supported()) == {*given, "groups"}


@pytest.mark.parametrize(
    ("claim", "entry", "value"),
    [
        ("locale", "profile.language", "de-CH"),
        ("birthdate", "profile.birthdate", "1815-12-10"),
        ("picture", "profile.photo.url", "https://a.example/ada.png"),
        ("address", "profile.address", {"locality": "London", "postal_code": "1"}),
        ("nickname", "username", "ada"),
        ("name", "username", "ada"),
        ("nickname", "profile.nickname", None),
        ("website", "profile.gone", None),
        ("website", "profile.gone.url", None),
    ],
)
def test_a_claim_comes_from_a_field_of_the_user_or_of_a_related_row(user, profile, configured, claim, entry, value):
    configured(**{claim: entry})
    assert source.values(user, [claim]) == ({} if value is None else {claim: value})


def test_a_claim_is_left_out_if_the_related_row_does_not_exist(user, configured, monkeypatch):
    def missing(_):
        raise ObjectDoesNotExist

    monkeypatch.setattr(User, "profile", property(missing), raising=False)
    configured(locale="profile.language")
    assert source.values(user, ["locale"]) == {}


def test_a_claim_comes_from_a_function(user, configured, monkeypatch):
    module = ModuleType("deployment_source")
    module.photo = lambda user: f"https://a.example/{user.username}.png"
    monkeypatch.setitem(sys.modules, "deployment_source", module)
    configured(picture="deployment_source:photo")
    assert source.values(user, ["picture"]) == {"picture": "https://a.example/ada.png"}


def test_a_text_has_a_longest_length(user, profile, configured, monkeypatch):
    configured(website="profile.website")
    monkeypatch.setattr(Profile, "website", "x" * source.LONGEST, raising=False)
    assert source.values(user, ["website"]) == {"website": "x" * source.LONGEST}
    monkeypatch.setattr(Profile, "website", "x" * (source.LONGEST + 1))
    with pytest.raises(ClaimsFailed):
        source.values(user, ["website"])


@pytest.mark.parametrize("entry", ["profile.broken", "profile.nothing", "nothing:at_all"])
def test_a_source_that_fails_is_a_clean_error(user, profile, configured, entry):
    configured(locale=entry)
    with pytest.raises(ClaimsFailed) as refused:
        source.values(user, ["locale"])
    assert refused.value.reason.startswith("the claim locale failed with ")


def test_an_email_address_cannot_come_from_elsewhere(user, profile, configured):
    configured(email="profile.language", email_verified="profile.language")
    assert source.values(user, ["email", "email_verified"]) == {"email": "ada@example.org", "email_verified": False}


@pytest.mark.parametrize(
    "change", [{"first_name": "A."}, {"last_name": "L."}, {"username": "al"}, {"email": "a@b.example"}]
)
@pytest.mark.parametrize("by_sql", [True, False])
def test_updated_at_is_the_last_change_of_a_name_or_the_address(user, change, by_sql):
    old = datetime(2020, 1, 1, tzinfo=UTC)
    User.objects.update(date_joined=old)
    user.refresh_from_db()
    assert source.values(user, ["updated_at"]) == {"updated_at": int(old.timestamp())}
    before = datetime.now(UTC) - timedelta(seconds=2)
    if by_sql:
        User.objects.update(**change)
    else:
        for name, value in change.items():
            setattr(user, name, value)
        user.save()
    user.refresh_from_db()
    assert user.profile_changed_at > before
    assert source.values(user, ["updated_at"])["updated_at"] >= int(before.timestamp())


def test_saving_an_instance_that_was_read_before_a_change_does_not_reset_its_date(user):
    stale = User.objects.get()
    User.objects.update(first_name="Augusta")
    changed = User.objects.get().profile_changed_at
    stale.first_name = "Augusta"
    stale.save()  # writes every column, the date among them
    assert changed is not None
    assert User.objects.get().profile_changed_at == changed


def test_updated_at_does_not_change_with_a_login_or_a_password(user):
    User.objects.update(last_login=datetime.now(UTC), password="x")
    user.refresh_from_db()
    assert user.profile_changed_at is None


def test_updated_at_of_a_profile_counts_if_it_is_later(user, profile, configured):
    configured(updated_at="profile.changed")
    assert source.values(user, ["updated_at"]) == {"updated_at": int(Profile.changed.timestamp())}
    configured(updated_at="date_joined")
    User.objects.update(date_joined=datetime(2020, 1, 1, tzinfo=UTC), first_name="Augusta")
    user.refresh_from_db()
    assert source.values(user, ["updated_at"]) == {"updated_at": int(user.profile_changed_at.timestamp())}


@pytest.mark.parametrize(
    ("claim", "entry", "problem"),
    [
        ("locale", "username", None),
        ("picture", "json:dumps", None),
        ("shoe_size", "username", "is no claim of OpenID Connect"),
        ("sub", "username", "is no claim"),
        ("email", "username", "cannot come"),
        ("groups", "username", "cannot come"),
        ("locale", "nothing.at.all", "which users do not have"),
        ("locale", "json:nothing", "cannot be imported"),
        ("locale", "json:__name__", "no function"),
    ],
)
def test_an_entry_is_checked_before_the_first_token(claim, entry, problem):
    reported = source.problem(claim, entry)
    assert reported is None if problem is None else problem in reported


def test_the_consent_page_has_words_for_each_claim_of_a_scope():
    assert set(names.of_scopes(names.SCOPES)) == names.WORDS.keys()
    assert names.PROTOCOL.isdisjoint(names.WORDS)
