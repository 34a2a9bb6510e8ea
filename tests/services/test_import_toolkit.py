"""`import_toolkit` imports the clients and users of a django-oauth-toolkit project on PostgreSQL into an issuer."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.services.conftest import Issuer, database
from tests.tokens.handover.stock_project import REFRESH, filled
from tokens.issued import one_time

pytestmark = [pytest.mark.services]
API = "https://api.example/"
TABLES = ("auth_user", *(f"oauth2_provider_{name}" for name in ("application", "accesstoken", "refreshtoken")))
REFUSED = {
    "revoked": 1,
    "its access token was deleted, and the toolkit refuses it, too": 1,
    "this issuer has no scope strange: create it with create_api": 1,
    "its application was not taken": 1,
}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Create a django-oauth-toolkit project with a database of its own. Yield the values that its process printed."""
    with database() as url:
        yield filled(url, tmp_path_factory.mktemp("stock"))


def rows(stock: dict[str, str]) -> list[list[tuple[object, ...]]]:
    """Return the rows of each table of the django-oauth-toolkit project. `stock["url"]` is the project's database."""
    with psycopg.connect(stock["url"]) as connection:
        return [connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in TABLES]


def test_a_project_on_postgresql_is_taken_once_and_only_read(stock: dict[str, str], issuer: Issuer) -> None:
    before = rows(stock)
    issuer.run("rotate_keys")
    issuer.run("create_api", "--identifier", API, "--name", "API", "--scope", "read=Read", "--scope", "write=Write")
    issuer.run("import_users", stock["users"])
    words = ("import_toolkit", "--database", stock["url"], "--api", API, "--rsa-key", stock["key"], "--json")
    tried = json.loads(issuer.run(*words, "--dry-run"))
    assert issuer.rows("SELECT count(*) FROM tokens_client") == [(0,)]
    report = json.loads(issuer.run(*words))
    assert report == tried | {"dry_run": False}
    assert report["clients"] == ["web", "plain", "weak", "phone", "service"]
    assert {refused_client["client_id"] for refused_client in report["refused_clients"]} == {
        "implicit",
        "password",
        "http",
    }
    assert (report["tokens"], report["refused_tokens"], report["missing_users"]) == (5, REFUSED, [])
    assert report["kid"] == stock["kid"]
    taken = {digest for (digest,) in issuer.rows("SELECT digest FROM tokens_refreshtoken")}
    assert taken == {one_time.digest(REFRESH[name]) for name in ("ada", "bob", "identity", "two", "old")}
    again = json.loads(issuer.run(*words))
    assert (again["clients"], again["tokens"], again["unchanged_tokens"]) == ([], 0, 5)
    assert rows(stock) == before
