"""`certification_setup`, which works on a test issuer only.

It makes the clients, the user and the configuration of the OpenID certification plans.
"""

import json
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from tests.tokens.factories import allow, authorization, basic, parameters, post
from tokens.models import AuditEvent, Client, ClientSecret, User
from tokens.registration import certification_plan

pytestmark = pytest.mark.django_db

SUITE = "https://suite.example"
CALLBACK = f"{SUITE}/test/a/keyturn/callback"
WITHOUT = {"code_challenge": None, "code_challenge_method": None}


def set_up(*options, url=SUITE, alias="keyturn"):
    out = StringIO()
    call_command("certification_setup", "--base-url", url, "--alias", alias, *options, stdout=out)
    return json.loads(out.getvalue())


def on_a_test_issuer(**changes):
    return set_up("--yes-this-is-a-test-issuer", **changes)


def test_outside_of_development_it_is_refused_without_the_option(settings):
    with pytest.raises(CommandError, match="tests only") as refused:
        set_up()
    assert refused.value.returncode == 3
    assert not Client.objects.exists()
    assert not User.objects.exists()
    settings.DEBUG = True
    assert set_up()["alias"] == "keyturn"


def test_the_clients_have_the_settings_of_the_plans_and_the_trail_names_them():
    plan = on_a_test_issuer()
    for name, method in (("client", "basic"), ("client2", "basic"), ("client_secret_post", "post")):
        client = Client.objects.get(client_id=plan[name]["client_id"])
        assert client.token_endpoint_auth_method == f"client_secret_{method}"
        assert (client.redirect_uris, client.pkce) == (CALLBACK, "optional")
        assert client.post_logout_redirect_uris == f"{SUITE}/test/a/keyturn/post_logout_redirect"
        assert client.backchannel_logout_uri == f"{SUITE}/test/a/keyturn/backchannel_logout"
        assert client.grants == ["authorization_code", "refresh_token"]
    events = AuditEvent.objects.filter(action="client.created")
    assert [event.details["pkce"] for event in events] == ["optional"] * 3


def test_the_user_has_names_and_a_verified_address():
    on_a_test_issuer()
    user = User.objects.get()
    assert (user.username, user.get_full_name(), user.is_staff) == ("certification-keyturn", "Ada Lovelace", False)
    assert EmailAddress.objects.get(user=user).verified


def test_the_configuration_leads_through_the_login_to_a_token_without_pkce(signer):
    """The test logs in as the browser commands in the configuration say, and then requests a token.

    It fills the fields of the login page by the ids that the commands name.
    """
    plan = on_a_test_issuer()
    assert plan["server"]["discoveryUrl"] == "http://localhost:8000/.well-known/openid-configuration"
    [log_in, _, _] = plan["browser"][0]["tasks"]
    typed = {command[2]: command[3] for command in log_in["commands"] if command[0] == "text"}
    browser = Browser()
    client = Client.objects.get(client_id=plan["client"]["client_id"])
    request = authorization(client, redirect_uri=CALLBACK, scope="openid", **WITHOUT)
    back = parameters(browser.get("/oauth/authorize", request))["next"]
    form = {"login": typed["id_login"], "password": typed["id_password"], "next": back}
    assert browser.post("/accounts/login/", form)["Location"] == back
    code = parameters(allow(browser, request))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    answer = post(browser, "/oauth/token", form, **basic(client.client_id, plan["client"]["client_secret"]))
    assert answer.status_code == 200, answer.content


def test_a_second_run_replaces_secrets_and_password_and_keeps_the_sub():
    first = on_a_test_issuer()
    sub = User.objects.get().sub
    second = on_a_test_issuer()
    assert first["client"]["client_id"] == second["client"]["client_id"]
    assert first["client"]["client_secret"] != second["client"]["client_secret"]
    assert (Client.objects.count(), ClientSecret.objects.count()) == (3, 3)
    assert User.objects.get().sub == sub


def test_two_aliases_stand_side_by_side():
    plan, other = on_a_test_issuer(), on_a_test_issuer(alias="other")
    assert plan["client"]["client_id"] != other["client"]["client_id"]
    assert (Client.objects.count(), User.objects.count()) == (6, 2)


@pytest.mark.parametrize("url", ["http://suite.example", "suite.example", "https://*.example", "javascript:alert(1)"])
def test_a_suite_that_cannot_have_redirect_uris_is_refused_and_nothing_is_kept(url):
    with pytest.raises(CommandError, match="redirect_uris"):
        on_a_test_issuer(url=url)
    assert not Client.objects.exists()


@pytest.mark.parametrize("alias", ["", "a b", "a/b", "a:b", "A", "x" * 33])
def test_an_alias_that_does_not_fit_into_a_url_is_refused(alias):
    with pytest.raises(CommandError, match="alias"):
        on_a_test_issuer(alias=alias)


def test_each_module_that_needs_a_picture_has_commands_and_waits_for_a_heading_of_our_pages():
    plan = on_a_test_issuer()
    assert len(plan["override"]) == 3 + 2 + 8
    headings = {certification_plan.ERROR, certification_plan.QUESTION, certification_plan.DONE}
    for name, module in plan["override"].items():
        commands = [command for entry in module["browser"] for task in entry["tasks"] for command in task["commands"]]
        pictures = {command[4] for command in commands if "update-image-placeholder" in command[-1:]}
        second_login = name in {"oidcc-prompt-login", "oidcc-max-age-1"}
        assert len(pictures) == (0 if second_login else 1), name
        assert pictures <= headings


def test_a_page_that_does_not_always_appear_is_optional_and_the_logout_is_confirmed_first():
    plan = on_a_test_issuer()
    log_in, log_out = plan["browser"]
    assert [(task["task"], task.get("optional")) for task in log_in["tasks"]] == [
        ("Log in", True),
        ("Allow the client", True),
        ("Return to the suite", None),
    ]
    assert [(task["task"], task.get("optional")) for task in log_out["tasks"]] == [("Log out", True), ("Page", True)]
    confirmation = plan["override"]["oidcc-rp-initiated-logout-no-id-token-hint"]["browser"][1]
    assert [(task["task"], task.get("optional")) for task in confirmation["tasks"]] == [("Page", None)]
