"""Two nodes whose clocks differ by 110 s accept each other's codes, tokens and sessions.

One clock is fast and one is slow, each by less than `clock_error` (60 s). A node whose clock is wrong by more answers
503.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import jwt
import pytest
import requests

from tests.services.conftest import WAITING, Issuer
from tests.services.nodes import (
    SCOPE,
    Node,
    Nodes,
    Visitor,
    authorization,
    claims_of,
    code_of,
    running,
    user_code_of,
)

pytestmark = [pytest.mark.services, pytest.mark.outage]

WITHIN, BEYOND = 55, 90
"""Seconds that clocks are off, for δ = 60 s."""
NEAR = 20
"""Seconds that a busy machine needs for an answer: far less than the clocks are off."""
PAIRS = [(WITHIN, -WITHIN), (-WITHIN, WITHIN)]


@pytest.fixture(scope="module")
def nodes(module_issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with running(module_issuer, WITHIN, -WITHIN, BEYOND, -BEYOND, logs=tmp_path_factory.mktemp("nodes")) as started:
        yield started


@pytest.fixture(autouse=True)
def tokens_can_be_issued(nodes: Nodes) -> None:
    """Wait until the issuer issues tokens.

    It issues none in the second in which an earlier test revoked tokens.
    """
    nodes.issuer.revocations_are_past()


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]:+} then {pair[1]:+}")
def pair(request: pytest.FixtureRequest, nodes: Nodes) -> tuple[Node, Node]:
    first, second = request.param
    return nodes.by_seconds[first], nodes.by_seconds[second]


@pytest.fixture(params=[BEYOND, -BEYOND], ids=lambda seconds: f"{seconds:+}")
def wrong(request: pytest.FixtureRequest, nodes: Nodes) -> Node:
    return nodes.by_seconds[request.param]


@pytest.fixture
def right(nodes: Nodes) -> Node:
    return nodes.by_seconds[WITHIN]


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def logged_in(visitor: Visitor, node: Node) -> None:
    answer = visitor.log_in(node)
    assert answer.status_code == 302, answer.text


def issued(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return answer.json()


def tokens(visitor: Visitor, node: Node) -> dict[str, str]:
    """Run the code flow at the node for a visitor who is logged in, and return the token response."""
    return issued(node.redeem(code_of(visitor.allow(node, node))))


def test_the_nodes_clocks_are_what_the_tests_say(nodes: Nodes) -> None:
    for seconds, node in nodes.by_seconds.items():
        ahead = parsedate_to_datetime(node.get("/healthz").headers["Date"]).timestamp() - time.time()
        assert abs(ahead - seconds) < NEAR


def test_a_code_made_at_one_node_is_redeemed_at_the_other(pair: tuple[Node, Node], visitor: Visitor) -> None:
    first, second = pair
    logged_in(visitor, first)
    assert issued(second.redeem(code_of(visitor.allow(first, first))))["refresh_token"]


def test_a_consent_page_of_one_node_is_answered_at_the_other(pair: tuple[Node, Node], visitor: Visitor) -> None:
    first, second = pair
    logged_in(visitor, second)
    assert code_of(visitor.allow(first, second))


def test_a_login_at_one_node_is_as_old_at_the_other(pair: tuple[Node, Node], visitor: Visitor) -> None:
    first, second = pair
    logged_in(visitor, first)
    assert code_of(visitor.allow(second, second, max_age="50"))


def test_a_refresh_whose_answer_was_lost_is_repeated_at_the_other_node(
    pair: tuple[Node, Node], visitor: Visitor
) -> None:
    first, second = pair
    logged_in(visitor, first)
    text = tokens(visitor, first)["refresh_token"]
    issued(first.refresh(text))
    fresh = issued(second.refresh(text))["refresh_token"]
    assert issued(first.refresh(fresh))


def test_a_login_after_log_out_everywhere_gets_tokens_that_work(pair: tuple[Node, Node], visitor: Visitor) -> None:
    first, second = pair
    logged_in(visitor, first)
    before = tokens(visitor, first)
    assert visitor.log_out_everywhere(first).status_code == 200
    for node in pair:
        assert not node.is_active(before["access_token"])
        assert node.refresh(before["refresh_token"]).json()["error"] == "invalid_grant"
    logged_in(visitor, second)
    fresh = issued(patient(lambda: second.redeem(code_of(visitor.allow(second, second)))))
    for node in pair:
        assert node.is_active(fresh["access_token"])
        fresh = issued(node.refresh(fresh["refresh_token"]))


def test_a_session_that_ends_at_one_node_is_refused_by_both(pair: tuple[Node, Node], visitor: Visitor) -> None:
    phone = Visitor()
    logged_in(phone, pair[1])
    logged_in(visitor, pair[0])
    assert visitor.end_other_sessions(pair[0]).headers["Location"].partition("=")[2] != "0"
    for node in pair:
        assert phone.authorize(node).headers["Location"].startswith("/accounts/login/")
        assert visitor.authorize(node).status_code == 200


def test_access_that_is_withdrawn_at_one_node_is_refused_by_both(pair: tuple[Node, Node], visitor: Visitor) -> None:
    first, second = pair
    logged_in(visitor, second)
    given = tokens(visitor, second)
    assert visitor.withdraw(first, "app").headers["Location"] == "/accounts/applications/?withdrawn=1"
    for node in pair:
        assert not node.is_active(given["access_token"])
        assert node.refresh(given["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_device_is_approved_at_one_node_and_asks_at_the_other(
    pair: tuple[Node, Node], nodes: Nodes, visitor: Visitor
) -> None:
    first, second = pair
    begun = issued(first.post("/oauth/device", {"client_id": "app", "scope": SCOPE}))
    in_time = "from tokens.models import DeviceCode; DeviceCode.objects.update(asked_at=None)"
    for node in (*pair, *pair):
        nodes.shell(in_time)
        assert node.poll(begun["device_code"]).json()["error"] == "authorization_pending"
    logged_in(visitor, second)
    assert visitor.approve(first, second, user_code_of(begun)).status_code == 200
    nodes.shell(in_time)
    assert issued(first.poll(begun["device_code"]))["refresh_token"]


def test_an_assertion_is_as_old_at_one_node_as_at_the_other(pair: tuple[Node, Node], nodes: Nodes) -> None:
    """Both nodes accept an assertion that expired ten seconds ago, and refuse one that expired 65 seconds ago.

    The clocks of the nodes make no difference. The clock of a client may be wrong by a minute.
    """
    for node in pair:
        assert assert_as_own(nodes, node, exp=time.time() - 10).status_code == 200
        assert assert_as_own(nodes, node, exp=time.time() - 65).status_code == 401


def test_tokens_of_both_nodes_have_the_right_issue_time(pair: tuple[Node, Node]) -> None:
    for node in pair:
        claims = claims_of(issued(node.service_token())["access_token"])
        assert abs(claims["iat"] - time.time()) < NEAR


LOG_OUT = """
user = User.objects.get()
everywhere.end_sessions_and_tokens(user, "logged out everywhere")
everywhere.withdraw_consents(user)
"""


def while_the_user_logs_out(nodes: Nodes, answer: Callable[[], requests.Response]) -> requests.Response:
    """Call `answer` while another process logs the user out everywhere. Return the response.

    `answer` sends the form of an HTML page. The issuer does not process this request until the transaction of the other
    process is committed.
    """
    with ThreadPoolExecutor(1) as pool:
        with nodes.uncommitted(LOG_OUT):
            answering = pool.submit(answer)
            nodes.issuer.wait_for_number(WAITING, 1)
        return answering.result()


def counted(nodes: Nodes, table: str, condition: str = "true") -> int:
    [(number,)] = nodes.issuer.rows(f"SELECT count(*) FROM tokens_{table} WHERE {condition}")
    return number


def test_a_consent_that_is_answered_while_the_user_logs_out_everywhere_is_none(
    pair: tuple[Node, Node], nodes: Nodes, visitor: Visitor
) -> None:
    """The issuer stores no consent if the user logs out everywhere while the issuer processes the consent.

    The logout comes after the session was checked, and before the consent is stored. The clocks of the nodes differ.
    """
    logged_in(visitor, pair[0])
    standing = counted(nodes, "usergrant", "revoked_at IS NULL")
    page = visitor.authorize(pair[0])
    url = f"{pair[1].url}{authorization()}"
    answer = while_the_user_logs_out(nodes, lambda: visitor.submit(url, page, {"allow": "true"}))
    assert (answer.status_code, answer.headers["Location"]) == (303, authorization())
    assert "/accounts/login/" in visitor.authorize(pair[1], prompt="login").headers["Location"]
    assert counted(nodes, "consent") == 0
    assert counted(nodes, "usergrant", "revoked_at IS NULL") <= standing


def test_a_device_that_is_approved_while_the_user_logs_out_everywhere_gets_nothing(
    pair: tuple[Node, Node], nodes: Nodes, visitor: Visitor
) -> None:
    first, second = pair
    logged_in(visitor, first)
    begun = issued(first.post("/oauth/device", {"client_id": "app", "scope": SCOPE}))
    shown = visitor.type_code(first, user_code_of(begun))
    url = f"{second.url}/oauth/device/verify"
    answer = while_the_user_logs_out(nodes, lambda: visitor.submit(url, shown, {"allow": "true"}))
    assert answer.headers["Location"].startswith("/accounts/login/?next=%2Foauth%2Fdevice%2Fverify%3Fuser_code")
    assert first.poll(begun["device_code"]).json()["error"] == "authorization_pending"
    logged_in(visitor, second)
    assert visitor.approve(second, second, user_code_of(begun)).status_code == 200
    assert issued(patient(lambda: first.poll(begun["device_code"])))


@pytest.mark.parametrize("door", ["save", "SQL"])
def test_a_session_from_before_the_user_was_disabled_is_none_afterwards(
    pair: tuple[Node, Node], nodes: Nodes, visitor: Visitor, door: str
) -> None:
    logged_in(visitor, pair[0])
    for active in (False, True):
        if door == "save":
            nodes.shell(f"from tokens.models import User; u = User.objects.get(); u.is_active = {active}; u.save()")
        else:
            nodes.issuer.rows(f"UPDATE tokens_user SET is_active = {active} RETURNING 1")
    for node in pair:
        assert visitor.authorize(node).headers["Location"].startswith("/accounts/login/?")


ENABLED_AGAIN = """
import time
from tokens.models import Client, User
for subject in (User.objects.get(), Client.objects.get(client_id="app"), Client.objects.get(client_id="service")):
    for active in (False, True):
        subject.is_active = active
        subject.save()
"""


def test_what_is_issued_after_user_and_clients_were_disabled_and_enabled_again_works_within_seconds(
    pair: tuple[Node, Node], nodes: Nodes, visitor: Visitor
) -> None:
    first, second = pair
    nodes.shell(ENABLED_AGAIN)
    began = time.monotonic()
    given = [issued(patient(node.service_token)) for node in pair]
    logged_in(visitor, first)
    code = code_of(visitor.allow(first, first))
    given.append(issued(patient(lambda: second.redeem(code))))
    assert time.monotonic() - began < 30, "not a minute"
    assert all(node.is_active(tokens["access_token"]) for node in pair for tokens in given)


def assert_as_own(nodes: Nodes, node: Node, *, exp: float) -> requests.Response:
    issuer = nodes.issuer.variables["ISSUER_URL"]
    claims = {"iss": "own", "sub": "own", "aud": issuer, "jti": str(uuid.uuid4()), "exp": int(exp)}
    form = {
        "grant_type": "client_credentials",
        "scope": "notes:read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, nodes.key, algorithm="ES256", headers={"kid": "own"}),
    }
    return node.post("/oauth/token", form)


def patient(ask) -> requests.Response:
    """Call `ask` up to five times, until the answer is not 503. Return the last answer.

    After each 503, wait as long as its Retry-After says.
    """
    for _ in range(5):
        answer = ask()
        if answer.status_code != 503:
            break
        time.sleep(int(answer.headers["Retry-After"]))
    return answer


def is_unavailable(answer: requests.Response) -> bool:
    """Return True if the answer is 503 with Retry-After.

    An answer that is not HTML must be JSON with the error `temporarily_unavailable`. Otherwise, fails.
    """
    if not answer.headers["Content-Type"].startswith("text/html"):
        assert answer.json()["error"] == "temporarily_unavailable", answer.text
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0


def test_a_node_beyond_the_clock_error_says_503_to_all_that_it_would_have_to_date(
    wrong: Node, right: Node, visitor: Visitor
) -> None:
    logged_in(visitor, right)
    given, begun = tokens(visitor, right), issued(right.post("/oauth/device", {"client_id": "app", "scope": SCOPE}))
    code, token = code_of(visitor.allow(right, right)), given["access_token"]
    answers = {
        "code": wrong.redeem(code),
        "code of nobody": wrong.redeem("unknown"),
        "refresh": wrong.refresh(given["refresh_token"]),
        "refresh token of nobody": wrong.refresh("un.known"),
        "device": wrong.poll(begun["device_code"]),
        "device begins": wrong.post("/oauth/device", {"client_id": "app", "scope": SCOPE}),
        "client credentials": wrong.service_token(),
        "revocation": wrong.post("/oauth/revoke", {"token": token, "client_id": "app"}),
        "introspection": wrong.post("/oauth/introspect", {"token": token}, auth=("service", "s" * 43)),
        "userinfo": wrong.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}),
        "authorization": visitor.authorize(wrong),
        "consent": visitor.allow(right, wrong),
        "device page": visitor.approve(right, wrong, user_code_of(begun)),
        "login": Visitor().log_in(wrong),
    }
    assert [name for name, answer in answers.items() if not is_unavailable(answer)] == []
    issued(right.redeem(code))
    issued(right.refresh(given["refresh_token"]))
    assert right.is_active(token)
    assert visitor.approve(right, right, user_code_of(begun)).status_code == 200
    issued(right.poll(begun["device_code"]))


def test_a_node_beyond_the_clock_error_publishes_and_says_what_is_wrong_with_it(wrong: Node, right: Node) -> None:
    for path in ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/healthz"):
        assert wrong.get(path).json() == right.get(path).json()
    ready = wrong.get("/readyz")
    assert ready.status_code == 503
    assert re.search(r"this node's clock is (89|90|91)\.\d s away from the database's", ready.text)
