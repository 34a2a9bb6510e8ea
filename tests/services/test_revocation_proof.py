"""The revocation feed from end to end: two issuers on PostgreSQL and two APIs, each in a separate process."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from resources.testing import SigningKey, jwks, mint
from tests.resources.api_process import Api, api
from tests.resources.feeds import document, entry, version
from tests.resources.loopback import Loopback, loopback, raw
from tests.resources.loopback import document as json_document
from tests.services.deployment import (
    AUDIENCE,
    BUSY,
    EVERY,
    SHELL,
    WITHIN,
    Deployment,
    deployed,
    feed,
    statuses,
    until,
    whoami,
)

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("revocation proof")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Run a deployment for all tests of this module that leave both issuers running."""
    with deployed(tmp_path_factory.mktemp("deployment")) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def apis(running: Deployment) -> Iterator[list[Api]]:
    with running.apis() as both:
        yield both


def refused(apis: list[Api], token: str) -> None:
    """Wait until every API refuses the token. Fail if this takes longer than an API needs for its next poll."""
    took = until(lambda: statuses(apis, token) == {401})
    print(f"refused after {took:.2f} s")  # pytest -s shows it
    assert took < WITHIN + BUSY, "by the next poll, not when a cached document expires"
    for resource_server in apis:
        assert 'error="invalid_token"' in whoami(resource_server, token)[1]["www-authenticate"]


def test_a_revoked_token_is_refused_by_every_api(running: Deployment, apis: list[Api]) -> None:
    ended, standing = running.token("one"), running.token("one", at=1)
    assert statuses(apis, ended) == statuses(apis, standing) == {200}
    assert running.revoke(ended, client="one", at=1) == 200
    refused(apis, ended)
    assert statuses(apis, standing) == statuses(apis, running.token("one")) == {200}


def test_a_revoked_grant_ends_its_tokens_and_no_others(running: Deployment, apis: list[Api]) -> None:
    running.log_in("ada", grants=2)  # new grants, because other tests revoke the grants of ada
    ended, standing = running.user_token("ada"), running.user_token("ada", grant=1, at=1)
    assert statuses(apis, ended) == statuses(apis, standing) == {200}
    assert running.revoke(running.users["ada"][0], client="app") == 200
    refused(apis, ended)
    assert statuses(apis, standing) == statuses(apis, running.user_token("ada", grant=1)) == {200}


@pytest.mark.parametrize(
    ("options", "ended", "standing"),
    [
        pytest.param(("--user", "ada"), ["ada"], ["bob", "one"], id="a user"),
        pytest.param(("--client", "one"), ["one"], ["ada", "other"], id="a client"),
        pytest.param(("--all",), ["ada", "bob", "one", "other"], [], id="everything"),
    ],
)
def test_one_command_ends_everything_issued_so_far_and_nothing_issued_afterwards(
    options: tuple[str, ...],
    ended: list[str],
    standing: list[str],
    running: Deployment,
    apis: list[Api],
) -> None:
    running.log_in("ada", "bob")
    tokens = {name: token_of(running, name) for name in (*ended, *standing)}
    assert set().union(*(statuses(apis, token) for token in tokens.values())) == {200}
    running.issuer.run("revoke_tokens", *options, "--yes")
    for name in ended:
        refused(apis, tokens[name])
    for name in standing:
        assert statuses(apis, tokens[name]) == {200}
    if users := {"ada", "bob"} & {*ended}:
        running.log_in(*users)
    for name in ended:
        assert statuses(apis, token_of(running, name)) == {200}


def token_of(running: Deployment, name: str) -> str:
    return running.user_token(name) if name in {"ada", "bob"} else running.token(name)


USERS = """
from tokens.models import User
User.objects.bulk_create((User(username="u-%d" % n) for n in range(100_000)), batch_size=5000)
"""
LOG_OUT = """
from tokens.revoking import bulk as mass_revocation
from tokens.models import User
users = User.objects.filter(username__startswith="u-").only("pk")
print(mass_revocation.end_sessions_and_tokens_in_batches(users, "breach"))
"""


def test_a_mass_log_out_of_100_000_users_reaches_every_api(running: Deployment, apis: list[Api]) -> None:
    running.issuer.run(*SHELL, USERS)
    sample = [f"u-{number}" for number in (0, 4711, 99_999)]
    running.log_in(*sample, "bob")
    tokens = {user: running.user_token(user) for user in sample}
    others = [running.user_token("bob"), running.token("other")]
    before = max(feed(resource_server, running.url)["entries"] for resource_server in apis)
    assert set().union(*(statuses(apis, token) for token in (*tokens.values(), *others))) == {200}
    process = running.issuer.start(*SHELL, LOG_OUT)
    out, err = process.communicate(timeout=600)
    assert (out.strip(), err) == ("100000", "")
    took = until(
        lambda: all(feed(resource_server, running.url)["entries"] >= before + 100_000 for resource_server in apis)
    )
    print(f"refused after {took:.2f} s")
    for resource_server in apis:
        status, _, body = resource_server.get("/readyz")
        state = feed(resource_server, running.url)
        assert (status, state["late"], state["near_limit"], state["last_error"]) == (200, False, False, ""), body
        assert state["entries"] >= before + 100_000
    for token in tokens.values():
        assert statuses(apis, token) == {401}
    for token in others:
        assert statuses(apis, token) == {200}
    running.log_in(sample[0])
    assert statuses(apis, running.user_token(sample[0])) == {200}


def test_nothing_acknowledged_is_lost_if_an_issuer_is_killed_while_revocations_arrive(tmp_path: Path) -> None:
    with deployed(tmp_path) as running, running.apis() as apis:
        tokens = [running.token("one", at=number % 2) for number in range(240)]
        standing = running.token("one")
        acknowledged: list[str] = []
        half, killed = threading.Event(), threading.Event()

        def revoke(numbered: tuple[int, str]) -> None:
            number, token = numbered
            if number >= 160:  # the last ones find one issuer gone, however slow the kill is
                assert killed.wait(60)
            with suppress(requests.ConnectionError):
                if running.revoke(token, client="one", at=number % 2) == 200:
                    acknowledged.append(token)
            if len(acknowledged) >= 80:
                half.set()

        def kill() -> None:
            assert half.wait(60)
            os.killpg(running.children[0].process.pid, signal.SIGKILL)
            killed.set()

        killer = threading.Thread(target=kill)
        killer.start()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(revoke, enumerate(tokens)))
        killer.join()
        assert running.children[0].process.wait(timeout=60) == -signal.SIGKILL
        assert 120 <= len(acknowledged) <= 200, "one issuer went on, and the other one did not"
        took = until(lambda: all(statuses(apis, token) == {401} for token in acknowledged))
        print(f"refused after {took:.2f} s")
        assert statuses(apis, standing) == {200}
        late = running.token("one", at=1)
        assert statuses(apis, late) == {200}
        assert running.revoke(late, client="one", at=1) == 200
        refused(apis, late)


def test_an_api_that_starts_during_an_outage_of_the_issuers_serves_or_refuses_as_it_is_set(tmp_path: Path) -> None:
    """An API that starts without the revocation feed serves or refuses requests, depending on REVOCATIONS_WHEN_LATE.

    Both issuers are stopped. The API reads the keys from a copy of the JWKS, because without keys it could verify no
    token.
    """
    with deployed(tmp_path) as running, loopback() as copies, running.apis(1) as [before]:
        published = requests.get(f"{running.url}/.well-known/jwks.json", timeout=60).json()
        copies.answers["/jwks.json"] = json_document(published)
        ended, standing = running.token("one"), running.token("one")
        assert running.revoke(ended, client="one") == 200
        until(lambda: whoami(before, ended)[0] == 401)
        running.stop()
        own = {"JWKS_URL": f"{copies.url}/jwks.json", "REVOCATIONS_LATE_AFTER": "3"}
        with (
            running.api(REVOCATIONS_WHEN_LATE="refuse", **own) as closed,
            running.api(REVOCATIONS_WHEN_LATE="serve", **own) as open_one,
        ):
            for resource_server, status in ((closed, 503), (open_one, 200)):
                until(lambda resource_server=resource_server: feed(resource_server, running.url)["failures"] >= 2)
                state = feed(resource_server, running.url)
                assert (state["late"], state["age"], state["version"]) == (True, None, "")
                assert state["last_error"]
                assert resource_server.get("/readyz")[0] == status
                assert whoami(resource_server, standing)[0] == status
                assert whoami(resource_server, "no.token.atall")[0] == 401, (
                    "what does not verify is refused, late or not"
                )
            assert whoami(closed, standing)[1]["retry-after"].isdigit()
            assert whoami(before, ended)[0] == 401, "the API that was there knows what it knew"
            running.start()
            until(lambda: whoami(closed, standing)[0] == 200)
            until(lambda: closed.get("/readyz")[0] == 200)
            assert unless_late(closed, ended) == 401, "it never served before it knew"
            until(lambda: not feed(open_one, running.url)["late"])
            assert statuses([open_one], ended) == {401}


KEY = SigningKey()
HOUR = 3600


def replayed(url: str, *, at: int, exp: int, since: str = "") -> bytes:
    """Return a signed document of the revocation feed with version 3 and no entries.

    `at` and `exp` are its times of issue and expiry, in Unix seconds. If `since` is given, the document is a delta from
    the version `since`.
    """
    changes = {"since": since} if since else {}
    return document(signer=KEY, issuer=url, at=at, exp=exp, version=version(3), **changes)


@pytest.mark.parametrize(
    ("lasts", "delta", "says"),
    [
        pytest.param(600, False, "has expired", id="a full state"),
        pytest.param(600, True, "has expired", id="a delta"),
        pytest.param(2 * HOUR, False, "older than the last one", id="one that has not ended"),
    ],
)
def test_a_feed_replayed_from_an_hour_ago_changes_nothing(lasts: int, delta: bool, says: str, tmp_path: Path) -> None:
    with loopback() as issuer:
        issuer.publish(jwks(KEY))
        now = int(time.time())
        serves(issuer, document(entry("jti", "ended", until=now + HOUR), signer=KEY, issuer=issuer.url, at=now))
        ended, standing = (mint(key=KEY, iss=issuer.url, aud=AUDIENCE, jti=name) for name in ("ended", "standing"))
        own = {"REVOCATIONS_EVERY": str(EVERY), "REVOCATIONS_LATE_AFTER": "3", "REVOCATIONS_WHEN_LATE": "refuse"}
        with api(tmp_path, issuers=issuer.url, audience=AUDIENCE, **own) as resource_server:
            until(lambda: whoami(resource_server, ended)[0] == 401)
            assert unless_late(resource_server, standing) == 200
            before = feed(resource_server, issuer.url)
            since = version(7) if delta else ""
            serves(issuer, replayed(issuer.url, at=now - HOUR, exp=now - HOUR + lasts, since=since))
            until(lambda: says in feed(resource_server, issuer.url)["last_error"])
            state = feed(resource_server, issuer.url)
            assert (state["version"], state["entries"]) == (before["version"], before["entries"]) == (version(7), 1)
            assert (whoami(resource_server, ended)[0], state["went_back"]) == (401, False)
            until(lambda: whoami(resource_server, standing)[0] == 503)
            assert feed(resource_server, issuer.url)["late"], "the alarm of a feed that is withheld"
            assert whoami(resource_server, ended)[0] == 503
            serves(issuer, document(signer=KEY, issuer=issuer.url, at=int(time.time()), version=version(8)))
            until(lambda: whoami(resource_server, standing)[0] == 200)
            assert unless_late(resource_server, ended) == 401
            assert feed(resource_server, issuer.url)["version"] == version(8)


def unless_late(server: Api, token: str) -> int:
    """Return the status of the API's answer to a request with the token.

    The request is repeated while the answer is 503, because an API on a busy machine can poll the revocation feed late.
    """
    answers = [503]
    until(lambda: answers.append(whoami(server, token)[0]) or answers[-1] != 503)
    return answers[-1]


def serves(issuer: Loopback, body: bytes) -> None:
    """Make the issuer answer every request for the feed with the document `body`."""
    for query in ("", *(f"?since={version(number)}" for number in (7, 8))):
        issuer.answers[f"/oauth/revocations{query}"] = raw(body)
