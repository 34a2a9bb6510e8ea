"""The rules for a client's back-channel logout URI are the same in each way to register a client."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.factories import make_client
from tests.tokens.views.test_dynamic_registration import PUBLIC, browser, call, mode, registered, send  # noqa: F401
from tokens.models import AuditEvent, Client

pytestmark = pytest.mark.django_db
URI = "https://client.example/logged-out"
ELSEWHERE = "https://victim.example/logged-out"


def create(*arguments):
    out, name = StringIO(), f"App {Client.objects.count()}"
    common = ("--name", name, "--grant", "authorization_code", "--redirect-uri", "https://client.example/callback")
    call_command("create_client", *common, *arguments, "--json", stdout=out)
    return Client.objects.get(client_id=json.loads(out.getvalue())["client_id"])


def test_the_command_registers_the_address_and_what_the_token_names():
    client = create("--backchannel-logout-uri", URI, "--backchannel-logout-session-required")
    assert (client.backchannel_logout_uri, client.backchannel_logout_session_required) == (URI, True)
    client = create("--backchannel-logout-uri", ELSEWHERE)
    assert (client.backchannel_logout_uri, client.backchannel_logout_session_required) == (ELSEWHERE, None)
    client = create()
    assert client.backchannel_logout_uri is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("--backchannel-logout-uri", "http://client.example/logged-out"),
        ("--backchannel-logout-uri", f"{URI}#x"),
        ("--backchannel-logout-session-required",),
    ],
)
def test_the_command_refuses_an_address_that_cannot_work(arguments):
    with pytest.raises(CommandError, match="logout"):
        create(*arguments)
    assert not Client.objects.exists()


def test_http_on_loopback_is_for_development_only(settings):
    settings.DEBUG = True
    assert create("--backchannel-logout-uri", "http://localhost:8002/x").backchannel_logout_uri
    settings.DEBUG = False
    with pytest.raises(CommandError, match="development only"):
        create("--backchannel-logout-uri", "http://localhost:8002/x")


def test_the_admin_registers_and_removes_the_address(admin_client):
    client = make_client("app", "authorization_code", scopes=())
    page = f"/admin/tokens/client/{client.pk}/change/"
    form = admin_client.get(page).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    formset = {f"secrets-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    for uri, expected in ((URI, URI), ("", None)):
        values = fields | formset | {"backchannel_logout_uri": uri}
        if uri:
            values["backchannel_logout_session_required"] = "on"
        answer = admin_client.post(page, values)
        assert answer.status_code in {200, 302}
        client.refresh_from_db()
        assert (client.backchannel_logout_uri, bool(client.backchannel_logout_session_required)) == (
            expected,
            bool(uri),
        )


def test_dynamic_registration_takes_and_returns_the_address(browser):  # noqa: F811
    changes = {"backchannel_logout_uri": URI, "backchannel_logout_session_required": True}
    registration = registered(browser, **changes)
    assert {name: registration[name] for name in changes} == changes
    client = Client.objects.get()
    assert (client.backchannel_logout_uri, client.backchannel_logout_session_required) == (URI, True)
    body = PUBLIC | {"client_id": registration["client_id"]}
    answer = call(
        browser, "PUT", registration["registration_client_uri"], registration["registration_access_token"], body
    )
    assert answer.status_code == 200
    client.refresh_from_db()
    assert client.backchannel_logout_uri is None
    assert "backchannel_logout_uri" in AuditEvent.objects.get(action="client.changed").details["fields"]


@pytest.mark.parametrize(
    "changes",
    [
        {"backchannel_logout_uri": ELSEWHERE},
        {"backchannel_logout_uri": "https://client.example:8443/x"},
        {"backchannel_logout_uri": f"{URI}#x"},
        {"backchannel_logout_uri": "http://client.example/x"},
        {"backchannel_logout_uri": "http://localhost/x", "redirect_uris": ["http://localhost/callback"]},
        {"backchannel_logout_uri": f"{URI}/{'x' * 500}"},
        {"backchannel_logout_uri": [URI]},
        {"backchannel_logout_uri": URI, "backchannel_logout_session_required": "true"},
        {"backchannel_logout_uri": URI, "backchannel_logout_session_required": 1.5},
    ],
)
def test_dynamic_registration_refuses_an_address_of_another_site(browser, changes):  # noqa: F811
    answer = send(browser, PUBLIC | changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert "logout" in answer.json()["error_description"]
    assert not Client.objects.exists()
