"""If the cache of an API fails, its throttles accept requests and log the failure.

No request is answered with 500, and none is slow.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client, RequestFactory
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import AnonRateThrottle, BaseThrottle, UserRateThrottle
from rest_framework.views import APIView

from resources import throttle_cache
from resources.principal import TokenUser
from resources.testing import bad_tokens, bearer, mint, pinned
from resources.throttle_cache import PAUSE, FailOpenCache
from resources.throttles import ClientThrottle, SubjectThrottle
from tests.ports import free

RATES = {"client": "3/min", "subject": "3/min", "failed_tokens": "3/min"}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Fragile:
    """A cache that counts its calls. Each call raises `error` if the test has set it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.error: Exception | None = None
        self.calls = 0

    def get(self, key: str, default: Any = None) -> Any:
        self._ask()
        return self.values.get(key, default)

    def set(self, key: str, value: Any, timeout: float | None = None) -> None:
        self._ask()
        self.values[key] = value

    def _ask(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


def test_a_cache_that_works_is_passed_through() -> None:
    cache = FailOpenCache(Fragile(), clock=Clock())
    cache.set("a", [1], 60)
    assert (cache.get("a", []), cache.get("b", [])) == ([1], [])


def test_after_a_failure_one_request_in_five_seconds_tries_again(caplog: pytest.LogCaptureFixture) -> None:
    clock, behind = Clock(), Fragile()
    cache = FailOpenCache(behind, clock=clock)
    cache.set("a", [1])
    behind.error = ConnectionError("redis://secret@host refused")
    assert [cache.get("a", []) for _ in range(10)] == [[]] * 10
    cache.set("a", [2])
    assert behind.calls == 2
    clock.now += PAUSE
    assert [cache.get("a", []) for _ in range(10)] == [[]] * 10
    assert behind.calls == 3
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert "secret" not in caplog.text
    behind.error = None
    clock.now += PAUSE
    assert [cache.get("a", []) for _ in range(10)] == [[1]] * 10


class Throttled(APIView):
    throttle_classes: list[type[BaseThrottle]] = [ClientThrottle, SubjectThrottle]

    def get(self, request: Any) -> Response:
        return Response()


class OfDRF(UserRateThrottle):
    rate = "3/min"


class ThrottledByDRF(Throttled):
    throttle_classes = [OfDRF]


class FailOpen(OfDRF):
    cache = throttle_cache.cache


class ThrottledByDRFWithOurCache(Throttled):
    throttle_classes = [FailOpen]


class Broken(AnonRateThrottle):
    rate = "3/min"

    def allow_request(self, request: Any, view: Any) -> bool:
        raise LookupError("a mistake of the developer's")


class ThrottledWrongly(Throttled):
    throttle_classes = [Broken]


class FailsElsewhere(Throttled):
    throttle_classes = []

    def get(self, request: Any) -> Response:
        caches["default"].get("a")
        return Response()


@pytest.fixture
def rates(settings: Any) -> Iterator[None]:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": RATES}
    with pinned():
        yield
    api_settings.reload()


@pytest.fixture
def no_redis(settings: Any, rates: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every use of the cache of Django and DRF fail.

    The cache is a Redis on a port where no server listens.
    """
    monkeypatch.setattr(throttle_cache.cache, "_failed", False)
    backend = "django.core.cache.backends.redis.RedisCache"
    gone = {"BACKEND": backend, "LOCATION": f"redis://127.0.0.1:{free()}/0"}
    settings.CACHES = {**settings.CACHES, "default": gone}


def call(view: type[APIView]) -> Response:
    return view.as_view()(RequestFactory().get("/", headers=bearer(mint())))


def test_the_package_s_throttles_admit_requests_without_their_cache(no_redis: None, client: Client) -> None:
    assert {call(Throttled).status_code for _ in range(10)} == {200}
    bad = bearer(bad_tokens()["expired"])
    assert {client.get("/api/whoami/", headers=bad).status_code for _ in range(10)} == {401}
    assert client.get("/api/whoami/", headers=bearer(mint())).status_code == 200


def test_a_throttle_of_drf_answers_503_without_its_cache_unless_it_uses_throttle_cache(
    no_redis: None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = call(ThrottledByDRF)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.data["error"] == "temporarily_unavailable"
    assert "the cache of a throttle failed" in caplog.text
    assert {call(ThrottledByDRFWithOurCache).status_code for _ in range(10)} == {200}


def test_a_throttle_of_drf_that_uses_our_cache_counts(rates: None) -> None:
    assert [call(ThrottledByDRFWithOurCache).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize(("view", "error"), [(ThrottledWrongly, LookupError), (FailsElsewhere, Exception)])
def test_no_other_mistake_is_taken_for_a_cache_that_fails(
    no_redis: None, view: type[APIView], error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        call(view)
    assert not isinstance(raised.value, AssertionError)


def test_any_cache_can_hold_the_name_by_which_drf_counts_a_user(rates: None) -> None:
    """The cache keys by which DRF's throttles count users are valid in every cache, and differ for each user.

    Memcached accepts only keys of at most 250 characters without blanks.
    """
    keys = {
        f"throttle_user_{user.pk}"
        for user in (
            TokenUser("a b", "https://i.example", "app"),
            TokenUser("é" * 255, "https://i.example", "app"),
            TokenUser("b", "https://i.example a", "app"),
            TokenUser("a b", "https://j.example", "app"),
        )
    }
    assert len(keys) == 4
    assert all(len(key) < 250 and key.isascii() and key.isprintable() and " " not in key for key in keys)


class Together(Fragile):
    """A cache that fails. During each call of this cache, another request uses it, too."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = FailOpenCache(self, clock=Clock())
        self.others = 3

    def get(self, key: str, default: Any = None) -> Any:
        self.calls += 1
        if self.others:
            self.others -= 1
            self.cache.get(key)
        raise TimeoutError


def test_requests_that_meet_a_failing_cache_at_once_are_logged_once_and_one_tries_it_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, behind = Clock(), Together()
    behind.cache = FailOpenCache(behind, clock=clock)
    behind.cache.get("a")
    assert (behind.calls, len(caplog.records)) == (4, 1)
    clock.now += PAUSE
    behind.others = 3
    behind.cache.get("a")
    assert (behind.calls, len(caplog.records)) == (5, 2)
