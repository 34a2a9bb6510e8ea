"""A backup from before a key leaked is restored. The issuer refuses to sign until `after_restore` has run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.services.conftest import ROOT, Issuer, database, migrated
from tests.services.test_restore import run

pytestmark = pytest.mark.services

BROWSE = """
import json, sys
import django
django.setup()
from urllib.parse import urlencode
from django.test import Client
from django.test.utils import setup_test_environment
from tests.tokens.factories import allow, authorization, basic, log_in, make_client, parameters, post, redeem
from tokens.models import Api, Scope, User

FORM = "application/x-www-form-urlencoded"
setup_test_environment()


class Browser(Client):
    def post(self, path, data=None, content_type=FORM, **extra):
        return super().post(path, data if isinstance(data, str) else urlencode(data, doseq=True), FORM, **extra)


browser, order = Browser(), json.loads(sys.argv[1])


def as_dict(answer):
    return {"status": answer.status_code, **(answer.json() if answer.content else {})}


def set_up():
    api = Api.objects.create(identifier="https://api.example/", name="API")
    scope = Scope.objects.create(name="notes:read", description="Read", api=api)
    app = make_client("app", "authorization_code", "refresh_token", public=True)
    app.scopes.set([scope])
    user = User.objects.create_user("ada", password="correct horse")
    log_in(browser, user)
    query = authorization(app, scope="notes:read offline_access")
    return as_dict(redeem(browser, app, parameters(allow(browser, query))["code"]))


def ask(path, form, secret=None):
    return as_dict(post(browser, path, form, **(basic("service", secret) if secret else {})))


def kids():
    return [key["kid"] for key in browser.get("/.well-known/jwks.json").json()["keys"]]


print(json.dumps({"set_up": set_up, "ask": ask, "kids": kids}[order["do"]](**order.get("with", {}))))
"""
SERVICE = {"grant_type": "client_credentials", "scope": "notes:read"}


@dataclass
class Story:
    """An issuer, and the secrets and tokens that it issued before its backup was made."""

    issuer: Issuer
    log: Path
    leaked: str = ""
    secret: str = ""
    kept_secret: str = ""
    refresh_token: str = ""
    access_token: str = ""
    failed: dict[str, str] = field(default_factory=dict)

    def do(self, what: str, **arguments: Any) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", BROWSE, json.dumps({"do": what, "with": arguments})],
            cwd=ROOT,
            env=self.issuer.variables,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with self.log.open("a") as log:
            log.write(done.stderr)
        return json.loads(done.stdout)

    def refused(self, *arguments: str) -> tuple[int, str]:
        process = self.issuer.start(*arguments)
        _, err = process.communicate(timeout=600)
        return process.returncode, err

    def refresh(self, text: str) -> Any:
        form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": "app"}
        return self.do("ask", path="/oauth/token", form=form)

    def service(self, secret: str) -> Any:
        return self.do("ask", path="/oauth/token", form=SERVICE, secret=secret)


@pytest.fixture(params=["journal", "audit log"])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Story]:
    """Dump the database, then revoke a key, a token and a secret, and use a refresh token.

    Then restore the dump to another database. Yield the issuer with the restored database.
    """
    with migrated() as issuer, database() as other:
        if request.param == "journal":
            issuer.variables["AUDIT_JOURNAL"] = str(tmp_path / "audit.jsonl")
        story = Story(issuer, tmp_path / "issuer.log")
        issuer.run("rotate_keys")
        given = story.do("set_up")
        service = ("create_client", "--name", "S", "--client-id", "service", "--grant", "client_credentials", "--json")
        story.secret = json.loads(issuer.run(*service, "--scope", "notes:read"))["client_secret"]
        story.kept_secret = json.loads(issuer.run("client_secret", "add", "service", "--json"))["client_secret"]
        story.refresh_token, story.access_token = given["refresh_token"], given["access_token"]
        run("pg_dump", "-Fc", "-f", str(tmp_path / "dump"), issuer.variables["DATABASE_URL"])
        lose(story)
        run("pg_restore", "--exit-on-error", "-d", other, str(tmp_path / "dump"))
        issuer.variables["DATABASE_URL"] = other
        yield story


def lose(story: Story) -> None:
    """Use the refresh token, and revoke the access token, the client secret and the signing key.

    The restore loses these changes, because the dump was made before.
    """
    assert story.refresh(story.refresh_token)["status"] == 200
    form = {"token": story.access_token, "client_id": "app"}
    assert story.do("ask", path="/oauth/revoke", form=form)["status"] == 200
    story.leaked = story.issuer.rows("SELECT kid FROM tokens_signingkey WHERE signs_at IS NOT NULL")[0][0]
    for command in (
        ("client_secret", "revoke", "service", "--hint", story.secret[-4:]),
        ("revoke_key", story.leaked, "--reason", "leaked", "--yes", "--accept-outage"),
    ):
        process = story.issuer.start(*command)
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
        with story.log.open("a") as log:
            log.write(err)
    assert story.leaked not in story.do("kids")
    assert story.service(story.secret)["error"] == "invalid_client"


def test_a_restored_backup_is_detected_refuses_to_sign_and_is_repaired(story: Story) -> None:
    has_journal = "AUDIT_JOURNAL" in story.issuer.variables
    if has_journal:
        code, err = story.refused("keys", "--check")
        assert code == 3
        assert f"{story.leaked} is revoked in AUDIT_JOURNAL" in err
        assert "the newest event of AUDIT_JOURNAL, key.revoked" in err
        code, err = story.refused("rotate_keys")
        assert (code, "run manage.py after_restore" in err) == (3, True)
        code, err = story.refused("check", "--database", "default", "--fail-level", "WARNING")
        assert (code, "tokens.W307" in err) == (1, True)
        assert story.leaked not in story.do("kids")
        assert story.service(story.kept_secret)["status"] == 503
    else:
        assert story.leaked in story.do("kids"), "without a journal nothing notices it"
        assert story.service(story.secret)["status"] == 200

    sources = () if has_journal else ("--from", str(story.log))
    done = json.loads(story.issuer.run("after_restore", "--yes", "--json", *sources))
    assert done["keys"] == [story.leaked]
    assert done["secrets"] == [f"service …{story.secret[-4:]}"]

    assert "the signing keys are healthy" in story.issuer.run("keys", "--check")
    assert story.leaked not in story.do("kids")
    assert story.refresh(story.refresh_token)["error"] == "invalid_grant"
    assert story.service(story.secret)["error"] == "invalid_client"
    answer = story.service(story.kept_secret)
    assert answer["status"] == 200
    form = {"token": story.access_token}
    assert story.do("ask", path="/oauth/introspect", form=form, secret=story.kept_secret) == {
        "status": 200,
        "active": False,
    }
    assert story.issuer.rows("SELECT count(*) FROM tokens_revocation WHERE kind = 'iss'") == [(1,)]
    assert json.loads(story.issuer.run("after_restore", "--yes", "--json", *sources))["keys"] == []
