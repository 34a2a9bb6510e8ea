"""The command lines of the documentation, run as they are printed, page by page, with a temporary database."""

import json
import re
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import call_command

from tests import documented
from tests.clock import clocks_at
from tests.documented import Line
from tests.tokens.assertions import jwks
from tests.tokens.factories import make_api, make_client, make_user, with_secret
from tokens.keys import store
from tokens.models import ClientSecret, SigningKey

pytestmark = pytest.mark.django_db
PAGES = sorted({line.page for line in documented.here()})


NEW_ISSUERS = {"docs/certification.md", "docs/fapi2.md"}
"""Pages that choose the algorithm of the first key, so there is none before."""
FILE = re.compile(r"```yaml\n# (keyturn\.yaml).*?\n(.*?)```", re.DOTALL)
"""A file that a page shows, and its name."""
ORDERS = {"docs/key-rotation.md", "docs/revoked-keys.md"}
"""Pages that expect the API of the orders, which accepts ES256, too."""


@pytest.fixture
def place(at, tmp_path, monkeypatch):
    """Change to a folder with the files that documentation pages name.

    The clocks show a time at which the first signing key is three days old.
    """
    make_user("ada")
    with_secret(make_client("report", "client_credentials", scopes=()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    for name in ("public.jwks.json", "first.public.jwks.json", "second.public.jwks.json"):
        (tmp_path / name).write_text(json.dumps(jwks("RS256", "ES256")))
    with clocks_at(store.database_now() + timedelta(days=3)):
        yield tmp_path


def expected_scopes(lines: list[Line]) -> set[str]:
    """Return the scopes that commands of a page use, but that no command of the page creates."""
    words = [word for line in lines for before, word in pairwise(line.arguments()) if before == "--scope"]
    created = {word.partition("=")[0] for word in words if "=" in word}
    return {word for word in words if "=" not in word} - created


def filled(line: Line) -> list[str]:
    """Return the arguments of a command line. Values that the page leaves to its reader are filled in."""
    values = {
        "KID": lambda: SigningKey.objects.filter(signs_at__isnull=False, revoked_at__isnull=True).first().kid,
        "CLIENT_ID": lambda: "report",
        "LAST_CHARACTERS": lambda: ClientSecret.objects.filter(revoked_at__isnull=True).latest("pk").hint,
    }
    return [values[word]() if word in values else word for word in line.arguments()]


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_runs_as_it_is_printed(at, place, page):
    lines = [line for line in documented.here() if line.page == page]
    if page not in NEW_ISSUERS:
        with clocks_at(store.database_now() - timedelta(days=3)):
            call_command("rotate_keys", stdout=StringIO())
    if not any("create_api --identifier https://api.example/" in line.text for line in lines):
        make_api("https://api.example/", *expected_scopes(lines))
    if page in ORDERS:
        orders = make_api("https://orders.example/")
        orders.algorithms = ["RS256", "ES256"]
        orders.save()
    for name, text in FILE.findall((documented.ROOT / page).read_text(encoding="utf-8")):
        (place / name).write_text(text)
    for line in lines:
        run(line, place)


def run(line: Line, place: Path) -> None:
    name, *arguments = filled(line)
    printed = StringIO()
    if name == "createsuperuser":
        arguments += ["--noinput", "--username", "root", "--email", "root@issuer.example"]
    try:
        call_command(name, *arguments, stdout=printed, stderr=StringIO())
    except (Exception, SystemExit) as error:  # noqa: BLE001 (each means that the page is wrong)
        pytest.fail(f"{line.text}\n{type(error).__name__}: {error}")
    if line.output:
        assert json.loads(printed.getvalue())
        (place / line.output).write_text(printed.getvalue())
