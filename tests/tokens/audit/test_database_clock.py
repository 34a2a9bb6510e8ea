"""Commands, the admin and pages store dates of the database's clock, not of this node's clock (docs/decisions/006)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from tests.clock import database_at
from tests.tokens.factories import API, OTHER_API, log_in
from tokens.keys import keyring
from tokens.models import AuditEvent, Client, Consent, ExchangePolicy
from tokens.views import mail_link

pytestmark = pytest.mark.django_db


@pytest.fixture
def later():
    """Return an instant for the database's clock to show.

    It is ahead of this node's clock, by less than clock_error.
    """
    return timezone.now() + timedelta(seconds=20)


def dates():
    return {at for (at,) in AuditEvent.objects.values_list("at")}


COMMANDS = {
    "access disable": ("access", "disable", "--user", "ada"),
    "access log_out": ("access", "log_out", "--user", "ada"),
    "revoke_user": ("revoke_user", "ada", "--disable"),
    "create_api": ("create_api", "--identifier", "https://orders.example/", "--name", "Orders"),
    "link_api": ("link_api", API, "--client", "service"),
    "exchange_policy set": ("exchange_policy", "set", "service", OTHER_API, "--scope", "other:read"),
    "exchange_policy remove": ("exchange_policy", "remove", "service", API),
    "demo_setup": ("demo_setup",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_dates_its_event_by_the_database_s_clock(user, service, apis, later, command):
    ExchangePolicy.objects.create(client=service, api=apis[API])
    with database_at(later):
        call_command(*COMMANDS[command], stdout=StringIO())
    assert dates() == {later}


def test_a_change_in_the_admin_is_dated_by_the_database_s_clock(admin_client, user, later):
    log_out = {"action": "log_out_everywhere", "_selected_action": [str(user.pk)]}
    with database_at(later):
        admin_client.post("/admin/tokens/user/", log_out)
        form = {"usable_password": "false", "unset-password": "on"}
        admin_client.post(f"/admin/tokens/user/{user.pk}/password/", form)
    assert AuditEvent.objects.filter(action="user.logged_out_everywhere").exists()
    assert AuditEvent.objects.count() > 1
    assert dates() == {later}


def withdraw(client, user):
    app = Client.objects.get(client_id="service")
    Consent.objects.create(user=user, client=app, audience=API, scope="notes:read", given_at=timezone.now())
    client.post("/accounts/applications/", {"withdraw": "service"})


def change_address(client, user):
    key = mail_link.make(mail_link.NEW_ADDRESS, sub=str(user.sub), old=user.email, new="new@example.org")
    client.post(reverse("account_confirm_email", args=[key]))


def sign_up(client, _user):
    key, word = mail_link.make(mail_link.SIGN_UP, email="new@example.org", target=""), "another battery staple"
    client.post(reverse("account_signup_complete", args=[key]), {"password1": word, "password2": word})


PAGES = {
    "log out everywhere": lambda client, _: client.post("/accounts/everywhere/"),
    "withdraw access": withdraw,
    "change the address": change_address,
    "sign up": sign_up,
}


@pytest.mark.usefixtures("signer")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_account_dates_its_event_by_the_database_s_clock(
    client, user, service, settings, monkeypatch, later, page
):
    settings.ISSUER = settings.ISSUER | {"SIGN_UP": True}
    log_in(client, user)
    monkeypatch.setattr(keyring, "estimated_clock", lambda *, now: later)
    PAGES[page](client, user)
    assert dates() == {later}
