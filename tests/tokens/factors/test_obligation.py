"""The users who need a second factor by the operator's settings.

They are asked for it on each way to a token or to the admin.
"""

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.test import Client as Browser

from tests.tokens.factories import allow, authorization, log_in, make_client, make_user, parameters, post
from tokens.authentication_class import MULTI_FACTOR, PHISHING_RESISTANT
from tokens.factors import obligation
from tokens.models import Client, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]


@pytest.fixture
def rules(settings):
    settings.ISSUER = settings.ISSUER | {"SECOND_FACTOR_GROUPS": ["finance"], "SECOND_FACTOR_STAFF": True}


def member(name="ada"):
    made = make_user(name)
    made.groups.add(Group.objects.get_or_create(name="finance")[0])
    return made


def use_factor(browser, user, kind="totp"):
    """Record in the browser's session that the user has used a second factor of this kind."""
    request = HttpRequest()
    request.session = browser.session
    record_authentication(request, user, "mfa", type=kind)
    request.session.save()


def test_without_a_setting_no_user_needs_a_second_factor(user):
    staff = make_user("root", is_staff=True)
    assert [obligation.of_user(person) for person in (user, staff, member("eve"))] == ["", "", ""]


@pytest.mark.usefixtures("rules")
def test_members_of_the_groups_and_staff_need_one_and_others_do_not(user):
    other = make_user("bob")
    other.groups.add(Group.objects.create(name="financial"))
    assert obligation.of_user(make_user("root", is_staff=True)) == MULTI_FACTOR
    assert obligation.of_user(member("eve")) == MULTI_FACTOR
    assert [obligation.of_user(person) for person in (user, other)] == ["", ""]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("of_client", "needed"),
    [(None, MULTI_FACTOR), (MULTI_FACTOR, MULTI_FACTOR), (PHISHING_RESISTANT, PHISHING_RESISTANT)],
)
def test_the_stronger_requirement_of_user_and_client_counts(of_client, needed):
    client = make_client("app", "authorization_code", required_class=of_client)
    assert obligation.of(member(), client) == needed


@pytest.mark.parametrize("needed", [MULTI_FACTOR, PHISHING_RESISTANT])
def test_a_client_that_requires_a_factor_gets_no_code_without_it(client, user, webapp, needed):
    Client.objects.update(required_class=needed)
    log_in(client, user)
    sent = client.get("/oauth/authorize", authorization(webapp))
    assert sent["Location"].startswith("/accounts/step-up/?class=")
    silent = client.get("/oauth/authorize", authorization(webapp, prompt="none"))
    assert parameters(silent)["error"] == "login_required"
    use_factor(client, user, "webauthn" if needed == PHISHING_RESISTANT else "totp")
    assert "code" in parameters(allow(client, authorization(webapp)))


def test_a_consent_page_from_before_the_requirement_gives_no_code(client, user, webapp):
    log_in(client, user)
    page = client.get("/oauth/authorize", authorization(webapp))
    Client.objects.update(required_class=MULTI_FACTOR)
    address = f"/oauth/authorize?{page.request['QUERY_STRING']}"
    answer = client.post(address, {"shown": page.context["form"].initial["shown"], "allow": "true"})
    assert answer["Location"] == address
    assert client.get(address)["Location"].startswith("/accounts/step-up/")


def test_a_device_is_not_connected_without_the_factor(client, user, apis):
    tv = make_client("tv", "urn:ietf:params:oauth:grant-type:device_code", public=True, required_class=MULTI_FACTOR)
    begun = post(Browser(), "/oauth/device", {"client_id": tv.client_id, "scope": "notes:read"}).json()
    log_in(client, user)
    answer = client.post("/oauth/device/verify", {"user_code": begun["user_code"], "allow": "true"})
    assert answer.status_code == 303
    assert answer["Location"].startswith("/accounts/step-up/")
    assert begun["user_code"].replace("-", "") in answer["Location"].replace("-", "")
    use_factor(client, user)
    assert client.post("/oauth/device/verify", {"user_code": begun["user_code"]}).status_code == 200


PASSWORD = "correct horse battery"
FORM = {"username": "root", "password": PASSWORD, "next": "/admin/"}


@pytest.fixture
def root():
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.mark.urls("project.urls.issuer")
@pytest.mark.usefixtures("rules")
def test_staff_without_a_factor_sets_one_up_before_the_admin_opens(client, root):
    assert client.post("/admin/login/", FORM)["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    assert (
        client.post("/accounts/login/", {"login": "root", "password": PASSWORD, "next": "/admin/"}).status_code == 302
    )
    for page in ("/admin/", "/admin/tokens/client/", "/admin/tokens/client/add/"):
        sent = client.get(page)
        assert sent.status_code == 302
        step = client.get(sent["Location"])
        assert step["Location"].startswith("/accounts/step-up/?class=")
    assert "/accounts/2fa/totp/activate/" in client.get(step["Location"]).content.decode()
    use_factor(client, root)
    assert client.get("/admin/").status_code == 200


@pytest.mark.urls("project.urls.issuer")
@pytest.mark.usefixtures("rules")
def test_a_session_of_the_admin_from_before_the_setting_needs_the_factor_too(client, root):
    client.force_login(root)
    step = client.get(client.get("/admin/")["Location"])["Location"]
    assert client.get(step)["Location"].startswith("/accounts/login/")


@pytest.mark.urls("project.urls.issuer")
@pytest.mark.usefixtures("rules")
def test_staff_with_a_factor_is_asked_for_it(client, root):
    TOTP.activate(root, generate_totp_secret())
    answer = client.post("/accounts/login/", {"login": "root", "password": PASSWORD, "next": "/admin/"})
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/admin/").status_code == 302


@pytest.mark.urls("project.urls.issuer")
@pytest.mark.usefixtures("rules")
def test_a_user_without_access_to_the_admin_gets_its_login_page_and_no_step(client, user):
    log_in(client, user)
    assert client.get("/admin/login/?next=/admin/").status_code == 200
