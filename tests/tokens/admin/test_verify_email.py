"""The admin's page of a user shows an e-mail address that is not verified, and verifies it after a confirmation."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.test import Client as Browser

from tests.tokens.factories import redeem
from tokens import email_proof
from tokens.audit import trail
from tokens.email_proof import CHANGED, TAKEN, CannotVerify
from tokens.models import AuditEvent, User

pytestmark = pytest.mark.django_db

NOTE = "Many applications refuse a user whose address is not verified."
EVENT = "user.email_verified"


@pytest.fixture
def eve():
    return User.objects.create_user("eve", email="Eve@example.org")


def page_of(user):
    return f"/admin/tokens/user/{user.pk}/change/"


def verification_of(user):
    return f"/admin/tokens/user/{user.pk}/verify-email/"


def events():
    return list(AuditEvent.objects.filter(action=EVENT).values_list("actor", "subject", "details"))


def verified():
    return list(EmailAddress.objects.filter(verified=True).values_list("user__username", "email", "primary"))


def test_an_unverified_address_is_verified_by_one_click_and_a_confirmation(admin, eve):
    html = admin.get(page_of(eve)).content.decode()
    assert NOTE in html
    assert verification_of(eve) in html
    confirmation = admin.get(verification_of(eve))
    assert confirmation.status_code == 200
    assert "Eve@example.org" in confirmation.content.decode()
    assert verified() == [], "a page that is only opened changes nothing"
    answer = admin.post(verification_of(eve), {"email": "Eve@example.org"}, follow=True)
    assert answer.redirect_chain == [(page_of(eve), 302)]
    assert "Eve@example.org is verified." in answer.content.decode()
    assert NOTE not in answer.content.decode()
    assert verified() == [("eve", "eve@example.org", True)]
    assert events() == [("user:root", "user:eve", {"email": "Eve@example.org"})]


def test_an_application_receives_the_verified_address(admin, eve, client, webapp, code, signer, user):
    admin.post(verification_of(user), {"email": user.email})
    browser = Browser()
    token = redeem(browser, webapp, code(webapp, scope="openid email")).json()["access_token"]
    userinfo = browser.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}").json()
    assert userinfo["email_verified"] is True


def test_a_second_verification_records_no_second_event(admin, eve):
    for _ in range(2):
        assert admin.post(verification_of(eve), {"email": eve.email}).status_code == 302
    assert len(events()) == 1
    assert admin.get(verification_of(eve)).status_code == 302, "nothing is left to confirm"


def test_an_existing_address_is_verified_and_the_primary_address_stays(admin, eve):
    EmailAddress.objects.create(user=eve, email="old@example.org", primary=True, verified=True)
    EmailAddress.objects.create(user=eve, email="EVE@example.org")
    assert NOTE in admin.get(page_of(eve)).content.decode(), "another address of the user is verified, not this one"
    admin.post(verification_of(eve), {"email": eve.email})
    assert sorted(verified()) == [("eve", "eve@example.org", False), ("eve", "old@example.org", True)]


def refused(browser, user, **form):
    answer = browser.post(verification_of(user), form, follow=True)
    return answer.content.decode()


@pytest.mark.parametrize("sent", ["", "other@example.org", "eve@example.org"])
def test_an_address_other_than_the_shown_address_is_not_verified(admin, eve, sent):
    assert CHANGED in refused(admin, eve, email=sent)
    assert (verified(), events()) == ([], [])


def test_a_user_without_an_address_has_nothing_to_verify(admin):
    bob = User.objects.create_user("bob")
    assert NOTE not in admin.get(page_of(bob)).content.decode()
    assert admin.get(verification_of(bob)).status_code == 302
    assert CHANGED in refused(admin, bob, email="")
    assert events() == []


@pytest.mark.parametrize("address", ["eve@example.org", "EVE@EXAMPLE.ORG"])
def test_an_address_that_another_user_verified_is_refused(admin, eve, address):
    EmailAddress.objects.create(user=User.objects.create_user("other"), email=address, verified=True)
    assert TAKEN in refused(admin, eve, email=eve.email)
    assert events() == []
    EmailAddress.objects.update(verified=False)
    assert "is verified." in refused(admin, eve, email=eve.email)


def test_a_race_to_verify_one_address_for_two_users_has_one_winner(eve, monkeypatch):
    """Both requests pass the check of the view. The unique constraint of the database then decides."""
    monkeypatch.setattr(email_proof, "_refuse_taken", lambda user: None)
    other = User.objects.create_user("other", email="eve@example.org")
    assert email_proof.verify(other, other.email)
    with pytest.raises(CannotVerify, match="Another user"):
        email_proof.verify(eve, eve.email)
    assert [row[0] for row in verified()] == ["other"]


def staff(*permissions):
    made = User.objects.create_user("helper", is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Browser()
    browser.force_login(made)
    return browser


ALL = ("view_user", "change_user", "add_emailaddress", "change_emailaddress")


def test_staff_with_all_permissions_verifies_the_address_of_an_ordinary_user(eve):
    assert "is verified." in refused(staff(*ALL), eve, email=eve.email)
    assert events() == [("user:helper", "user:eve", {"email": eve.email})]


@pytest.mark.parametrize("lacking", ["change_user", "add_emailaddress", "change_emailaddress"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_one_of_the_permissions_sees_the_note_and_verifies_nothing(eve, lacking, method):
    browser = staff(*(set(ALL) - {lacking}))
    html = browser.get(page_of(eve)).content.decode()
    assert NOTE in html
    assert verification_of(eve) not in html
    assert getattr(browser, method)(verification_of(eve), {"email": eve.email}).status_code == 403
    assert (verified(), events()) == ([], [])


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_only_superusers_verify_addresses_of_users_with_access_to_the_admin(admin, eve, flag):
    User.objects.filter(pk=eve.pk).update(**{flag: True})
    assert staff(*ALL).post(verification_of(eve), {"email": eve.email}).status_code == 403
    assert verified() == []
    assert "is verified." in refused(admin, eve, email=eve.email)


def test_a_visitor_is_sent_to_the_login_and_an_unknown_user_is_404(client, admin, eve):
    assert "/admin/login/" in Browser().post(verification_of(eve), {"email": eve.email})["Location"]
    assert admin.post("/admin/tokens/user/999999/verify-email/", {"email": "x"}).status_code == 404
    assert verified() == []


def test_a_forged_form_verifies_nothing(eve):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("root"))
    assert browser.post(verification_of(eve), {"email": eve.email}).status_code == 403
    assert verified() == []


def test_an_address_is_not_verified_if_its_event_cannot_be_recorded(admin, eve, monkeypatch):
    def fails(*_, **__):
        raise PermissionDenied

    monkeypatch.setattr(trail, "record", fails)
    assert admin.post(verification_of(eve), {"email": eve.email}).status_code == 403
    assert verified() == []


@pytest.mark.parametrize("pk", ["9" * 5000, "9" * 30, "x"])
def test_a_page_of_an_impossible_user_is_not_found(admin, pk):
    assert admin.get(f"/admin/tokens/user/{pk}/change/").status_code in {302, 404}
