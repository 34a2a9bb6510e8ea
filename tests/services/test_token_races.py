"""Concurrent requests use the same code, refresh token or assertion, on PostgreSQL and four issuer processes.

Only one request with a code or an assertion succeeds. All refreshes with one refresh token get the same successor.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from project.launch import processes
from tests.ports import free
from tests.services.conftest import Issuer, mistakes, ready, serve
from tests.tokens.factories import CALLBACK, CHALLENGE, VERIFIER

pytestmark = pytest.mark.services
AT_ONCE = 10

REGISTER = """
import json
from datetime import timedelta
from django.utils import timezone
from tokens.models import Api, Client, Scope, User
given = json.loads({given!r})
api = Api.objects.create(identifier="https://api.example/", name="API")
scope = Scope.objects.create(name="notes:read", description="Read", api=api)
User.objects.create_user("ada")
common = {{"redirect_uris": given["callback"]}}
app = Client.objects.create(client_id="app", name="App", client_type="public", token_endpoint_auth_method="none",
    grants=["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], **common)
own = Client.objects.create(client_id="own", name="Own", token_endpoint_auth_method="private_key_jwt",
    client_jwks=given["jwks"], grants=["client_credentials"])
app.scopes.add(scope)
own.scopes.add(scope)
"""
GRANT = """
from django.utils import timezone
from tokens.models import AuthorizationCode, Client, User
from tokens.issued import user_grant as grant_record, one_time, refresh_token
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.models import Api
from datetime import timedelta
now = timezone.now()
api, app, user = Api.objects.get(), Client.objects.get(client_id="app"), User.objects.get(username="ada")
target = Target(api.identifier, ("notes:read", "offline_access"), api)
login = Login(at=now, acr="", amr=("pwd",))
allowed = grant_record.create(user, app, target, login, now=now, lasts=timedelta(days=1))
"""
CODE = (
    GRANT
    + """
AuthorizationCode.objects.create(digest=one_time.digest("the-code"), grant=allowed,
    redirect_uri={callback!r}, code_challenge={challenge!r}, nonce="", expires_at=now + timedelta(minutes=5))
"""
)
REFRESH = (
    GRANT
    + """
print(refresh_token.create(allowed, app, now=now))
"""
)


DEVICE = (
    GRANT
    + """
from tokens.models import DeviceCode
DeviceCode.objects.create(digest=one_time.digest("the-device"), user_code_digest="x", client=app, grant=allowed,
    audience=api.identifier, scope="notes:read", created_at=now, expires_at=now + timedelta(minutes=5), interval=5)
"""
)
DISABLE = """
from tokens.models import User
user = User.objects.get(username="ada")
user.is_active = False
user.save()
"""
ENABLE = """
from tokens.models import User
User.objects.update(is_active=True)
"""
REVOKED = """
import json
from tokens.issued import revocation_record
print(json.dumps([revocation_record.is_revoked(claims, kid="") for claims in json.loads({claims!r})]))
"""


@dataclass(frozen=True, slots=True)
class Served:
    issuer: Issuer
    url: str
    key: Any

    def shell(self, script: str) -> str:
        return self.issuer.run("shell", "-v", "0", "--no-imports", "-c", script)

    def at_once(self, form: dict[str, str]) -> list[requests.Response]:
        def ask(_number: int) -> requests.Response:
            return requests.post(f"{self.url}/oauth/token", data=form, timeout=60)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(ask, range(AT_ONCE)))

    def refresh_until_refused(self, text: str) -> list[dict[str, Any]]:
        """Refresh with the refresh token `text`, then with each successor, until a refresh is refused.

        Returns the claims of each new access token.
        """
        given = []
        for _ in range(2000):
            form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": "app"}
            answer = requests.post(f"{self.url}/oauth/token", data=form, timeout=60)
            if not answer.ok:
                assert answer.json()["error"] == "invalid_grant", answer.text
                break
            text = answer.json()["refresh_token"]
            given.append(claims_of(answer.json()["access_token"]))
        return given

    def are_revoked(self, claims: list[dict[str, Any]]) -> list[bool]:
        """Return True or False for each token, in order: True if the issuer considers the token revoked.

        `claims` has the claims of each token.
        """
        return json.loads(self.shell(REVOKED.format(claims=json.dumps(claims))))


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture(scope="module")
def served(module_issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a running issuer with four processes.

    The issuer has a public client `app`, and a client `own` that authenticates with a key.
    """
    url, key = f"http://localhost:{free()}", ec.generate_private_key(ec.SECP256R1())
    issuer = Issuer(module_issuer.variables | {"ISSUER_URL": url})
    issuer.run("rotate_keys")
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": "own"}
    served = Served(issuer, url, key)
    served.shell(REGISTER.format(given=json.dumps({"callback": CALLBACK, "jwks": {"keys": [jwk]}})))
    log = tmp_path_factory.mktemp("served") / "issuer.log"
    child = serve(issuer, url, log)
    try:
        ready(child)
        yield served
    finally:
        processes.stop([child])
    assert mistakes(log) == []


@pytest.fixture(autouse=True)
def tokens_can_be_issued(served: Served) -> None:
    """Wait until the issuer issues tokens.

    It issues none in the second in which an earlier test revoked tokens.
    """
    served.issuer.revocations_are_past()


def said(answers: list[requests.Response]) -> Counter[tuple[int, str]]:
    return Counter((answer.status_code, answer.json().get("error", "")) for answer in answers)


def test_a_code_redeemed_by_ten_at_once_gives_one_token_which_stays_valid(served: Served) -> None:
    served.shell(CODE.format(callback=CALLBACK, challenge=CHALLENGE))
    form = {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": CALLBACK}
    answers = served.at_once(form | {"code_verifier": VERIFIER, "client_id": "app"})
    assert said(answers) == {(200, ""): 1, (400, "invalid_grant"): AT_ONCE - 1}
    [given] = [claims_of(answer.json()["access_token"]) for answer in answers if answer.ok]
    assert served.are_revoked([given]) == [False]


def test_a_refresh_token_used_by_ten_at_once_gives_all_of_them_one_successor(served: Served) -> None:
    text = served.shell(REFRESH).strip()
    form = {"grant_type": "refresh_token", "refresh_token": text, "client_id": "app"}
    answers = served.at_once(form)
    assert said(answers) == {(200, ""): AT_ONCE}
    [successor] = {answer.json()["refresh_token"] for answer in answers}
    assert said(served.at_once(form | {"refresh_token": successor})) == {(200, ""): AT_ONCE}


def test_an_assertion_used_by_ten_at_once_proves_its_client_once(served: Served) -> None:
    now = int(time.time())
    claims = {"iss": "own", "sub": "own", "aud": served.url, "jti": "once", "iat": now, "exp": now + 60}
    assertion = jwt.encode(claims, served.key, algorithm="ES256", headers={"kid": "own"})
    answers = served.at_once(
        {
            "grant_type": "client_credentials",
            "scope": "notes:read",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
    )
    assert said(answers) == {(200, ""): 1, (401, "invalid_client"): AT_ONCE - 1}


def test_a_device_code_redeemed_by_ten_at_once_gives_one_token_which_stays_valid(served: Served) -> None:
    served.shell(DEVICE)
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    answers = served.at_once({"grant_type": grant, "device_code": "the-device", "client_id": "app"})
    assert said(answers) == {(200, ""): 1, (400, "invalid_grant"): AT_ONCE - 1}
    [given] = [claims_of(answer.json()["access_token"]) for answer in answers if answer.ok]
    assert served.are_revoked([given]) == [False]


def test_each_token_refreshed_while_a_user_is_disabled_is_revoked(served: Served) -> None:
    """Each token that a refresh issues while the user is being disabled is revoked.

    Both lock the same grant, so one of them waits for the other.
    """
    families = [served.shell(REFRESH).strip() for _ in range(4)]
    disabling = served.issuer.start("shell", "-v", "0", "--no-imports", "-c", DISABLE)
    with ThreadPoolExecutor(len(families)) as pool:
        given = [claims for per_family in pool.map(served.refresh_until_refused, families) for claims in per_family]
    _, problems = disabling.communicate(timeout=600)
    assert disabling.returncode == 0, problems
    revoked = served.are_revoked(given)
    served.shell(ENABLE)
    assert len(given) >= len(families), "some were issued before"
    assert all(revoked)


LEAVE = """
from tokens.models import User
User.objects.create_user("eve")
"""
GRANT_OF_EVE = REFRESH.replace('username="ada"', 'username="eve"')
GO = """
from tokens.models import User
User.objects.get(username="eve").delete()
"""


def test_deleting_a_user_while_clients_refresh_causes_no_deadlock(served: Served) -> None:
    """The deletion of a user and refreshes of this user's tokens do not deadlock.

    Both lock the grant first, and then the rows that refer to the grant.
    """
    served.shell(LEAVE)
    families = [served.shell(GRANT_OF_EVE).strip() for _ in range(4)]
    with ThreadPoolExecutor(len(families)) as pool:
        running = [pool.submit(served.refresh_until_refused, text) for text in families]
        deleting = served.issuer.start("shell", "-v", "0", "--no-imports", "-c", GO)
        _, problems = deleting.communicate(timeout=600)
        given = [claims for future in running for claims in future.result()]
    assert deleting.returncode == 0, problems
    assert len(given) >= len(families)
    assert all(served.are_revoked(given))
    last = [served.refresh_until_refused(text) for text in families]
    assert last == [[], [], [], []]
