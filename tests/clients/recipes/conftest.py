"""Fixtures: the client that the commands of a documentation page register, the issuer, the API, and a user."""

from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import pytest

from tests.clients.recipes import mcp_servers, pages, stack
from tests.clients.recipes.pages import Page
from tests.clients.recipes.stack import Person, Stack
from tests.clients.recipes.steps import Steps
from tests.ports import free


@pytest.fixture(scope="session")
def keyturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack.running(tmp_path_factory) as running:
        yield running


@pytest.fixture
def app() -> str:
    """Return the URL at which the client's website will listen."""
    return f"http://localhost:{free()}"


@pytest.fixture
def page(request: pytest.FixtureRequest, keyturn: Stack, app: str) -> Page:
    """Return the documentation page that the test's parameter names.

    Without a parameter, return the page of the test module: `test_allauth.py` gets docs/clients/allauth.md.
    """
    module = Path(request.node.path).stem.removeprefix("test_").replace("_", "-")
    addresses = {
        pages.ISSUER_WITH_PATH: keyturn.issuer,
        pages.ISSUER: keyturn.issuer,
        pages.API: keyturn.audience,
        pages.APP: app,
    }
    return Page(getattr(request, "param", module), addresses)


@pytest.fixture
def client(page: Page, keyturn: Stack) -> dict[str, str]:
    """Run the first command of the documentation page. Return what it printed: client_id and client_secret."""
    command = page.commands()[0]
    return keyturn.create_client(command)


@pytest.fixture
def ada(keyturn: Stack, monkeypatch: pytest.MonkeyPatch) -> Person:
    # Loopback counts as secure in browsers: cookies with `Secure` go there without TLS.
    monkeypatch.setattr(DefaultCookiePolicy, "return_ok_secure", lambda *_: True)
    return Person(keyturn)


@pytest.fixture(scope="session")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield an issuer at which clients can register themselves, or use the URL of a metadata document as client_id."""
    with stack.running(tmp_path_factory, **mcp_servers.OPEN) as running:
        yield running


@pytest.fixture(scope="session")
def server(unlocked: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of the example MCP server."""
    resource = f"http://localhost:{free()}/mcp"
    mcp_servers.create_api(unlocked, resource)
    with mcp_servers.running(unlocked, resource, tmp_path_factory.mktemp("mcp")) as url:
        yield url


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> type[Person]:
    """Return the class `Person` (a user with a browser), for a test that starts its own issuer without https.

    The browser of each `Person` sends cookies with the attribute Secure even without https.
    """
    monkeypatch.setattr(DefaultCookiePolicy, "return_ok_secure", lambda *_: True)
    return Person


@pytest.fixture
def steps(page: Page) -> Steps:
    return Steps(page.name)
