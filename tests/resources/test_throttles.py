"""Rate limits of an API by client, by subject, and by the client address that sends refused tokens."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from resources.testing import bad_tokens, bearer, mint, pinned
from resources.throttles import ClientThrottle, SubjectThrottle


@pytest.fixture
def rates(settings: Any) -> Iterator[dict[str, str]]:
    """Yield the rates of DRF's throttles, which a test can change.

    DRF reads them again at its signal setting_changed.
    """
    rates: dict[str, str] = {"client": "3/min", "subject": "2/min", "failed_tokens": "4/min"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    with pinned():
        yield rates
    api_settings.reload()


class PerClient(APIView):
    throttle_classes = [ClientThrottle]

    def get(self, request: Any) -> Response:
        return Response()


class PerSubject(PerClient):
    throttle_classes = [SubjectThrottle]


def statuses(view: type[APIView], *claims: dict[str, str]) -> list[int]:
    return [
        view.as_view()(RequestFactory().get("/", headers=bearer(mint(**changes)))).status_code  # type: ignore[arg-type]
        for changes in claims
    ]


def test_a_client_is_limited_over_all_its_users(rates: dict[str, str]) -> None:
    users = [{"sub": name} for name in ("alice", "bob", "carol", "dave")]
    assert statuses(PerClient, *users) == [200, 200, 200, 429]
    assert statuses(PerClient, {"client_id": "other"}) == [200]


def test_a_subject_is_limited_over_all_its_clients(rates: dict[str, str]) -> None:
    clients = [{"sub": "alice", "client_id": name} for name in ("a", "b", "c")]
    assert statuses(PerSubject, *clients) == [200, 200, 429]
    assert statuses(PerSubject, {"sub": "bob"}) == [200]


def test_a_throttled_request_gets_retry_after(rates: dict[str, str]) -> None:
    statuses(PerSubject, *[{"sub": "alice"}] * 2)
    answer = PerSubject.as_view()(RequestFactory().get("/", headers=bearer(mint(sub="alice"))))
    assert (answer.status_code, 1 <= int(answer["Retry-After"]) <= 60) == (429, True)


def test_an_address_that_sends_bad_tokens_is_stopped_and_another_is_not(client: Client, rates: dict[str, str]) -> None:
    bad = bearer(bad_tokens()["tampered payload"])
    answers = [client.get("/api/whoami/", headers=bad, REMOTE_ADDR="192.0.2.1") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 2
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert client.get("/api/whoami/", headers=bearer(mint()), REMOTE_ADDR="192.0.2.1").status_code == 429
    assert client.get("/api/whoami/", headers=bearer(mint()), REMOTE_ADDR="192.0.2.2").status_code == 200


def test_good_tokens_do_not_count_as_failures(client: Client, rates: dict[str, str]) -> None:
    assert {client.get("/api/whoami/", headers=bearer(mint())).status_code for _ in range(20)} == {200}


def test_a_rate_that_is_not_set_limits_nothing(client: Client) -> None:
    with pinned():
        bad = bearer(bad_tokens()["expired"])
        assert {client.get("/api/whoami/", headers=bad).status_code for _ in range(50)} == {401}
        assert statuses(PerClient, *[{"sub": "alice"}] * 50) == [200] * 50
