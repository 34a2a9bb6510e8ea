"""The multi-tenant example of docs/claims.md.

Its claims hook for the issuer and its permission for the API run as the documentation prints them.
"""

import re
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from rest_framework.test import APIRequestFactory

from resources.testing import SigningKey, bearer, mint, pinned
from tests.tokens.factories import (
    allow,
    authorization,
    log_in,
    make_api,
    make_client,
    make_user,
    parameters,
    redeem,
    with_secret,
)
from tokens.claims import worker

# The hook reads the database in a thread of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "api"])
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "claims.md").read_text(encoding="utf-8")
INVOICES = "http://localhost:8001/"


def module(name):
    """Return a module with the code block of docs/claims.md that begins with the comment `# name`.

    `name` is a file name, such as accounts/claims.py.
    """
    (source,) = re.findall(rf"```python\n(# {re.escape(name)}.*?)```", PAGE, re.DOTALL)
    made = ModuleType(name)
    source = source.replace("keyturn_resources", "resources")  # the package's name in this tree
    exec(compile(source, name, "exec"), made.__dict__)  # noqa: S102 (the page's own code)
    return made


@pytest.fixture
def thread(monkeypatch):
    """Give the claims hook a thread of its own, and close that thread's database connection afterwards."""
    monkeypatch.setattr(worker, "_free", [])
    monkeypatch.setattr(worker, "_started", 0)
    yield
    worker.run(connections.close_all, within=timedelta(seconds=30))


@pytest.fixture
def hook(monkeypatch, settings, thread):
    monkeypatch.setitem(sys.modules, "accounts", ModuleType("accounts"))
    monkeypatch.setitem(sys.modules, "accounts.claims", module("accounts/claims.py"))
    settings.ISSUER = settings.ISSUER | {"CLAIMS": "accounts.claims.add"}


@pytest.fixture
def token(client, hook, signer):
    """Return a function that logs in a new user who is in the given groups, and returns the access token."""
    make_api(INVOICES, "notes:read")
    app = with_secret(make_client("app", "authorization_code", scopes=["notes:read"]))

    def fetch(username, *groups):
        user = make_user(username)
        user.groups.set([Group.objects.get_or_create(name=name)[0] for name in groups])
        log_in(client, user)
        answer = redeem(client, app, parameters(allow(client, authorization(app)))["code"])
        assert answer.status_code == 200, answer.content
        return answer.json()["access_token"]

    return fetch


@pytest.fixture
def status(signer):
    """Return a function that requests a tenant's invoices from the documented API, and returns the status.

    The API trusts the issuer's key.
    """
    key = SigningKey("RS256", signer.private, signer.kid)
    view = module("invoices/views.py").InvoicesView.as_view()

    def status_of(text, tenant):
        request = APIRequestFactory().get(f"/tenants/{tenant}/invoices/", headers=bearer(text))
        with pinned(key):
            return view(request, tenant=tenant).status_code

    return status_of


def test_each_user_reads_the_invoices_of_the_own_tenants_only(token, status):
    ada, eve = token("ada", "tenant:acme", "tenant:globex", "editors"), token("eve", "tenant:globex")
    assert [status(ada, tenant) for tenant in ("acme", "globex", "editors", "initech")] == [200, 200, 403, 403]
    assert [status(eve, tenant) for tenant in ("acme", "globex")] == [403, 200]


def test_a_user_without_a_tenant_reads_none(token, status):
    assert status(token("ada", "editors"), "acme") == 403


def test_a_token_of_another_key_reads_none(token, status):
    token("ada", "tenant:acme")
    assert status(mint(key=SigningKey(), tenants=["acme"]), "acme") == 401
