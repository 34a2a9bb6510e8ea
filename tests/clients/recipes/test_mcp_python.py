"""The MCP SDK for Python calls the tools of examples/mcp.

The tests use three kinds of OAuth client: one with a metadata document, one that registers itself, and one that an
operator registered.
"""

import json
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests import marks
from tests.clients.recipes import environments, mcp_servers, programs, stack
from tests.clients.recipes.pages import Page
from tests.clients.recipes.steps import Steps
from tests.ports import free
from tests.services.conftest import wait_for

pytestmark = [*marks.clients]


@pytest.fixture
def agent(tmp_path):
    """Return a function that runs the code block of the documentation page as a program, and returns its `Dialogue`.

    The function takes the issuer, the URL of an MCP server, the URL of the client's metadata document, and the redirect
    URI.
    """
    with ExitStack() as running:

        def run(keyturn, url, document, callback):
            addresses = {
                "https://mcp.example/mcp": url,
                '"https://agent.example/client.json"': repr(document),
                "http://127.0.0.1:8912/callback": callback,
            }
            code = Page("mcp-python", addresses).code("python")
            (tmp_path / "recipe.py").write_text(code, encoding="utf-8")
            command = [environments.python("mcp"), str(programs.HOSTS / "mcp_agent.py")]
            return running.enter_context(programs.dialogue(command, tmp_path, keyturn.trust()))

        yield run


def scope_of(url):
    return set(parse_qs(urlsplit(url).query)["scope"][0].split())


def run_action(program, **action):
    return program.answer(json.dumps(action))


def log_in(program, person, action, callback):
    """Start an action, and log in at the URL that the SDK opens.

    Returns this authorization URL, and the result of the action.
    """
    url = run_action(program, **action)["go"]
    return url, program.answer(person.callback(url, callback.rpartition("/")[0]))


@pytest.mark.parametrize("how", ["document", "registration", "registered"])
def test_the_sdk_logs_a_user_in_reaches_a_tool_and_steps_up(how, unlocked, server, agent, trusting, tmp_path):
    callback = f"http://127.0.0.1:{free()}/callback"
    steps = Steps("mcp-python")
    with mcp_servers.documents(unlocked, "http://127.0.0.1/callback") as site:
        program = agent(unlocked, server, site.url if how == "document" else None, callback)
        action = {"tool": "list_notes"}
        if how == "registered":
            command = Page("mcp-python", {}).commands()[0]
            action["registered"] = unlocked.create_client(command)["client_id"]
        person = trusting(unlocked)
        url, first = log_in(program, person, action, callback)
        assert scope_of(url) == {"mcp:read", "offline_access"}
        note = f"written by {how}"
        assert note not in first["result"]
        assert (first["client_id"] == site.url) == (how == "document") == bool(site.fetched)
        steps.done("login")
        url, second = log_in(program, person, {"tool": "add_note", "arguments": {"text": note}}, callback)
        assert scope_of(url) == {"mcp:read", "mcp:write", "offline_access"}
        assert second["result"] == "added"
        assert note in run_action(program, tool="list_notes")["result"]
        steps.done("API")
        fresh = run_action(program, tool="list_notes", expire=True)
        assert fresh["access_token"] != second["access_token"]
        steps.done("refresh")
    if how == "document":
        steps.complete(lacks="claims logout")


def test_a_token_for_another_api_and_a_revoked_token_are_refused(unlocked, server, agent, trusting):
    callback = f"http://127.0.0.1:{free()}/callback"
    program = agent(unlocked, server, None, callback)
    _, first = log_in(program, trusting(unlocked), {"tool": "list_notes"}, callback)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_notes", "arguments": {}}}

    def send(token, **changes):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
        return requests.post(server, json=body | changes, headers=headers, timeout=30)

    assert send(first["access_token"]).status_code == 200
    refused = send(first["access_token"], params={"name": "add_note", "arguments": {"text": "x"}})
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", error_description="The request needs the scope mcp:write",'
        f' scope="mcp:read mcp:write", resource_metadata="{metadata(server)}"'
    )
    assert send(f"{first['access_token']}, Bearer x").status_code == 400
    repeated = '{"method": "tools/call", "method": "ping", "id": 1, "jsonrpc": "2.0"}'
    bearer = {"Authorization": f"Bearer {first['access_token']}", "Content-Type": "application/json"}
    assert requests.post(server, repeated, headers=bearer, timeout=30).status_code == 400
    other = service_token(unlocked)
    assert unlocked.opens_api(other)
    elsewhere = send(other)
    assert elsewhere.status_code == 401
    assert "The token is not meant for this API" in elsewhere.headers["WWW-Authenticate"]
    unlocked.command("revoke_tokens", "--user", stack.USER["username"], "--yes")
    wait_for(lambda: send(first["access_token"]).status_code == 401, within=30)
    assert "The token has been revoked" in send(first["access_token"]).headers["WWW-Authenticate"]


def metadata(server):
    return server.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")


def service_token(keyturn):
    """Return an access token for the notes API. The MCP server must refuse it, because it is for another API."""
    secret = keyturn.variables.demo["SERVICE_CLIENT_SECRET"]
    data = {"grant_type": "client_credentials", "scope": "notes:read"}
    url = f"{keyturn.issuer}/oauth/token"
    answer = requests.post(url, data, auth=("service", secret), verify=keyturn.certificate, timeout=30)
    return answer.json()["access_token"]


def test_an_agent_without_a_token_is_led_to_the_issuer(unlocked, server):
    answer = requests.post(server, json={}, timeout=30)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == f'Bearer scope="mcp:read", resource_metadata="{metadata(server)}"'
    document = requests.get(metadata(server), timeout=30).json()
    assert (document["resource"], document["authorization_servers"]) == (server, [unlocked.issuer])


def test_the_sdk_of_an_unknown_client_says_what_to_turn_on(keyturn, agent, tmp_path_factory):
    resource = f"http://localhost:{free()}/mcp"
    mcp_servers.create_api(keyturn, resource)
    with (
        mcp_servers.running(keyturn, resource, tmp_path_factory.mktemp("mcp")) as url,
        mcp_servers.documents(keyturn, "http://127.0.0.1/callback") as site,
    ):
        program = agent(keyturn, url, site.url, "http://127.0.0.1:1/callback")
        error = run_action(program, tool="list_notes")["error"]
    assert "Registration failed: 404" in error
    assert "CLIENT_ID_METADATA_DOCUMENTS or DYNAMIC_REGISTRATION" in error
    assert not site.fetched
