"""nginx as a cache in front of the JWKS.

Each row of the table in docs/proxies.md is tested with a real nginx.
"""

import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from django.core.management import call_command

from tests.ports import free
from tests.proxies.servers import PAGE, running
from tests.services.conftest import wait_for
from tests.tokens.views.test_jwks_headers import URL

pytestmark = [pytest.mark.proxies, pytest.mark.xdist_group("proxies")]
OLD, NEW = '{"keys": ["old"]}', '{"keys": ["new"]}'
WITHIN = 30  # seconds: far more than max-age
LOCATION = """
    location /{number} {{
        proxy_pass http://127.0.0.1:{upstream};
        proxy_cache keys;
        add_header X-Cache $upstream_cache_status always;
        {directives}
    }}
"""


def rows() -> list[tuple[str, str, str]]:
    """Return the rows of the table of caches in docs/proxies.md.

    A row has nginx's directives, the answer of the cache while the issuer is up, and its answer while the issuer is
    down.
    """
    section = PAGE.read_text(encoding="utf-8").partition("\n## Caches in front of the JWKS\n")[2]
    cells = re.findall(r"^\| (none|`[^|]+`) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    return [("" if directives == "none" else directives.strip("`"), up, down) for directives, up, down in cells]


ROWS = rows()


class Issuer:
    """A server that publishes a JWKS with the issuer's caching headers, but with a `max-age` of one second."""

    def __init__(self, port: int) -> None:
        self.body, self.port = OLD, port
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = issuer.body.encode()
                self.send_response(200)
                self.send_header("Cache-Control", "public, max-age=1, must-revalidate")
                self.send_header("ETag", f'"{issuer.body[10:13]}"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop the server and close its port."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def cached(folder: Path, issuer: Issuer) -> Iterator[str]:
    """Run nginx in front of the issuer, with one location for each row of ROWS. Yields nginx's address."""
    port = free()
    locations = "".join(
        LOCATION.format(number=number, upstream=issuer.port, directives=row[0]) for number, row in enumerate(ROWS)
    )
    config = f"proxy_cache_path {folder}/kept keys_zone=keys:1m inactive=10m;\n"
    config += f"server {{ listen 127.0.0.1:{port}; location = /ready {{ return 204; }} {locations} }}\n"
    url = f"http://127.0.0.1:{port}"
    folder.chmod(0o755)

    def ready() -> bool:
        try:
            return requests.get(f"{url}/ready", timeout=5).status_code == 204
        except requests.ConnectionError:
            return False

    with running("nginx", config, folder, port, ready):
        yield url


def got(url: str, number: int) -> str:
    """Return what nginx serves at location `number`: "old keys", "new keys", or the status of another answer."""
    answer = requests.get(f"{url}/{number}", timeout=10)
    return {OLD: "old keys", NEW: "new keys"}.get(answer.text, str(answer.status_code))


def promised(cell: str) -> str:
    """Return the expected answer in a cell of the table in docs/proxies.md, without the explanation after it."""
    return re.sub(r"\*", "", cell).partition(",")[0].partition(" for ")[0]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a temporary folder that nginx's workers can read.

    The workers run as another user, who cannot read the folders of pytest.
    """
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    running_issuer = Issuer(free())
    yield running_issuer
    running_issuer.stop()


def test_the_table_has_rows_of_both_kinds():
    assert len(ROWS) >= 6
    assert {promised(up) for _, up, _ in ROWS} == {"new keys", "old keys"}
    assert {promised(down) for _, _, down in ROWS} == {"502", "old keys"}


@pytest.mark.parametrize("column", [1, 2], ids=["the issuer answers", "the issuer is down"])
def test_each_row_does_what_the_table_says(issuer, folder, column):
    with cached(folder, issuer) as url:
        assert [got(url, number) for number in range(len(ROWS))] == ["old keys"] * len(ROWS)
        issuer.body = NEW
        if column == 2:
            issuer.stop()
        # The first row has no further directive: it shows that `max-age` has passed for all of them.
        wait_for(lambda: got(url, 0) != "old keys", within=WITHIN)
        statuses = {row[0]: got(url, number) for number, row in enumerate(ROWS)}
    assert statuses == {row[0]: promised(row[column]) for row in ROWS}


@pytest.mark.django_db
def test_the_issuer_s_own_header_has_the_same_form(client):
    """Check that the real issuer's Cache-Control header differs from that of the class Issuer only in its `max-age`."""
    call_command("rotate_keys")
    assert re.fullmatch(r"public, max-age=\d+, must-revalidate", client.get(URL)["Cache-Control"])
