"""Rate limits of the issuer.

A client or address over its limit is refused until the time window ends. Others are not affected.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.core.cache import cache, caches
from django.test import RequestFactory

from tests.addresses import ADDRESSES
from tests.tokens.factories import basic, post
from tokens.limits import rate_limit
from tokens.limits.cache_circuit import NotCounted
from tokens.limits.rate_limit import TooMany
from tokens.models import User
from tokens.settings.rate import RATE_LIMITS, Rate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RATE = Rate(3, 60)
TOKEN_REQUEST = {"grant_type": "client_credentials", "scope": "notes:read"}


@pytest.fixture
def strict(settings):
    settings.ISSUER = settings.ISSUER | {"RATE_LIMITS": dict.fromkeys(RATE_LIMITS, (3, 86_400))}


def attempt(*who, now=NOW):
    rate_limit.count("token", who, RATE, now=now)


def test_a_caller_over_its_limit_is_refused_until_the_window_ends_and_others_are_not():
    for second in (0, 1, 2):
        attempt("a", "1.2.3.4", now=NOW + timedelta(seconds=second))
    with pytest.raises(TooMany) as refused:
        attempt("a", "1.2.3.4", now=NOW + timedelta(seconds=20))
    assert refused.value.retry_after == 40
    attempt("a", "5.6.7.8", now=NOW)
    attempt("b", "1.2.3.4", now=NOW)
    attempt("a", "1.2.3.4", now=NOW + timedelta(seconds=60))


def test_a_counter_that_a_fast_node_began_is_kept_until_the_window_ends_on_a_slow_node():
    now = time.time()
    end = datetime.fromtimestamp(now - now % 60 + 60, UTC)
    with patch("time.time", return_value=end.timestamp() - 30):  # the cache's clock
        for _ in range(3):
            attempt("a", now=end)
    with patch("time.time", return_value=end.timestamp() + 59), pytest.raises(TooMany):
        attempt("a", now=end + timedelta(seconds=59))


def test_the_cache_contains_no_names_or_addresses():
    with patch.object(cache, "add") as add, patch.object(cache, "incr", return_value=1):
        attempt("ada", "1.2.3.4")
    assert "ada" not in add.call_args.args[0]
    assert "1.2.3.4" not in add.call_args.args[0]


def test_callers_whose_parts_join_to_the_same_text_are_counted_separately():
    for _ in range(3):
        attempt("ab", "c")
    attempt("a", "bc")


@pytest.mark.parametrize(("seen", "forwarded", "behind_proxy", "expected"), ADDRESSES)
def test_the_address_is_that_of_the_connection_or_the_last_in_x_forwarded_for(
    settings, seen, forwarded, behind_proxy, expected
):
    settings.ISSUER = settings.ISSUER | {"BEHIND_PROXY": behind_proxy}
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert rate_limit.address(RequestFactory().get("/", REMOTE_ADDR=seen, **headers)) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_an_endpoint_answers_429_with_retry_after_to_one_caller_only(client, service, signer, strict, path):
    answers = [post(client, path, TOKEN_REQUEST, **basic("service", "wrong")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert 0 < int(answers[-1]["Retry-After"]) <= 86_400
    assert answers[-1]["Cache-Control"] == "no-store"
    elsewhere = post(client, path, TOKEN_REQUEST, **basic("service", "wrong"), REMOTE_ADDR="192.0.2.9")
    assert elsewhere.status_code == 401, "nobody locks another's client out"


@pytest.mark.django_db
def test_the_token_endpoint_answers_without_the_cache(client, service, signer, strict):
    with patch.object(cache, "incr", side_effect=ConnectionError):
        answers = [post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", service.plain)) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}


def log_in(browser, name, **extra):
    return browser.post("/accounts/login/", {"login": name, "password": "wrong"}, **extra)


@pytest.mark.django_db
def test_the_login_page_counts_a_name_and_an_address_together(client, strict):
    User.objects.create_user("ada", password="correct horse")
    assert [log_in(client, name).status_code for name in ("ada", "ADA", " ada ", "ada")] == [200, 200, 200, 429]
    page = log_in(client, "ada")
    assert 0 < int(page["Retry-After"]) <= 86_400
    assert "too many login attempts" in page.content.decode()
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    right = client.post("/accounts/login/", {"login": "ada", "password": "correct horse"})
    assert right.status_code == 429, "the right password is not found out either"
    assert client.get("/accounts/login/").status_code == 200
    owner = {"login": "ada", "password": "correct horse"}
    assert client.post("/accounts/login/", owner, REMOTE_ADDR="192.0.2.9").status_code == 302


@pytest.mark.django_db
def test_many_usernames_from_one_address_are_limited_as_well(client, strict):
    answers = [log_in(client, f"user{number}").status_code for number in range(31)]
    assert (set(answers[:30]), answers[30]) == ({200}, 429)


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/accounts/login/", "/admin/login/"])
def test_unicode_spellings_of_a_username_count_together(client, strict, page):
    spellings = ["ada", "\uff41\uff44\uff41", "\uff21\uff24\uff21", "\u24d0da"]
    field = "username" if page.startswith("/admin") else "login"
    assert [client.post(page, {field: spelling, "password": "x"}).status_code for spelling in spellings] == [
        200,
        200,
        200,
        429,
    ]


@pytest.mark.django_db
def test_an_address_over_its_limit_adds_no_further_counters(client, strict):
    for number in range(30):
        log_in(client, f"user{number}")
    with patch.object(caches["guesses"], "add", wraps=caches["guesses"].add) as add:
        log_in(client, "another")
    assert add.call_count == 1


def test_requests_with_invented_client_ids_do_not_evict_login_counters():
    for what in ("login", "device-code"):
        for _ in range(3):
            rate_limit.count(what, ("ada", "1.2.3.4"), RATE, now=NOW)
    with patch.object(cache, "_max_entries", 10):
        for number in range(100):
            attempt(f"invented{number}")
    for what in ("login", "device-code"):
        with pytest.raises(TooMany):
            rate_limit.count(what, ("ada", "1.2.3.4"), RATE, now=NOW)


def test_the_cache_of_a_process_holds_the_counters_of_a_thousand_clients():
    attempt("a")
    for number in range(1000):
        attempt(f"b{number}")
    attempt("a")
    attempt("a")
    with pytest.raises(TooMany):
        attempt("a")


@pytest.mark.django_db
def test_an_unknown_username_is_counted_like_an_existing_one(client, strict):
    assert [log_in(client, "nobody").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_logins_are_refused_without_the_cache(client, strict):
    with patch.object(caches["guesses"], "incr", side_effect=ConnectionError):
        page = log_in(client, "ada")
    assert (page.status_code, page["Retry-After"]) == (503, "5")


@pytest.mark.django_db
def test_the_admin_s_login_page_counts_as_well(client, strict):
    form = {"username": "ada", "password": "wrong"}
    assert [client.post("/admin/login/", form).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert log_in(client, "ada").status_code == 429, "both pages guess at the same passwords"


def failing(error=ConnectionError):
    return patch.object(cache, "add", side_effect=error)


def test_requests_are_counted_again_as_soon_as_the_cache_answers():
    with failing(), pytest.raises(NotCounted):
        attempt("a")
    with pytest.raises(NotCounted):
        attempt("a", now=NOW + timedelta(seconds=4))
    for second in (5, 5, 5):
        attempt("a", now=NOW + timedelta(seconds=second))
    with pytest.raises(TooMany):
        attempt("a", now=NOW + timedelta(seconds=5))


@pytest.mark.django_db
def test_token_requests_ask_a_hanging_cache_once(client, service, signer, strict):
    """The test counts how often a request waits for the cache. Another test covers the duration of a wait."""
    with failing(TimeoutError) as add:
        answers = [post(client, "/oauth/token", TOKEN_REQUEST, **basic("service", service.plain)) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert 1 <= add.call_count <= 2, "a second one if the test took five seconds"


def guess(number, *, now=NOW):
    rate_limit.count("login", ("ada", "1.2.3.4"), Rate(number, 60), now=now)


def test_a_cache_that_loses_a_login_counter_does_not_restart_it():
    for _ in range(3):
        guess(3)
        caches["guesses"].clear()
    with pytest.raises(TooMany) as refused:
        guess(3)
    assert refused.value.first
    guess(3, now=NOW + timedelta(seconds=60))


def test_a_cache_that_loses_a_login_counter_between_two_commands_does_not_restart_it():
    with patch.object(caches["guesses"], "incr", side_effect=ValueError):
        for _ in range(3):
            guess(3)
        with pytest.raises(TooMany):
            guess(3)


def test_a_lost_login_counter_is_written_back_for_other_processes(caplog):
    for _ in range(3):
        guess(9)
    caches["guesses"].clear()
    guess(9)
    assert "lost a login counter" in caplog.text
    rate_limit.memory.clear()  # as another process, which never saw it
    for _ in range(5):
        guess(9)
    with pytest.raises(TooMany):
        guess(9)


def test_a_login_counter_continues_from_the_value_of_another_process():
    for _ in range(2):
        guess(3)
        rate_limit.memory.clear()
    guess(3)
    with pytest.raises(TooMany):
        guess(3)


def test_each_of_several_concurrent_attempts_is_counted_once():
    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(lambda _: _let_in(), range(60)))
    assert sum(counted) == 50


def _let_in():
    try:
        guess(50)
    except TooMany:
        return False
    return True


@pytest.mark.django_db
@pytest.mark.urls("project.urls.issuer")
@pytest.mark.parametrize(
    ("alias", "attention"),
    [
        ("guesses", "logins are refused: their cache cannot store counters"),
        ("default", "token requests are not counted: their cache cannot store counters"),
    ],
)
def test_readyz_reports_a_failed_cache_and_stays_ready(client, signer, alias, attention):
    assert client.get("/readyz").json() == {"status": "ok"}
    with patch.object(caches[alias], "set", side_effect=TimeoutError) as written:
        answers = [client.get("/readyz") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json() for answer in answers] == [{"status": "ok", "attention": [attention]}] * 3
    assert written.call_count == 1


@pytest.mark.django_db
@pytest.mark.urls("project.urls.issuer")
def test_readyz_reports_a_failed_cache_without_asking_it_again(client, signer):
    with patch.object(caches["guesses"], "add", side_effect=TimeoutError):
        assert log_in(client, "ada").status_code == 503
    assert "logins are refused" in client.get("/readyz").json()["attention"][0]
