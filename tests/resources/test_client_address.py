"""The API derives the client's address by the same rule as the issuer.

It counts refused tokens by this address.
"""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from rest_framework.settings import api_settings

from resources.client_address import client_address
from resources.testing import bad_tokens, bearer, pinned
from tests.addresses import ADDRESSES


@pytest.mark.parametrize(("seen", "forwarded", "behind_proxy", "expected"), ADDRESSES)
def test_the_address_is_that_of_the_connection_or_the_last_in_x_forwarded_for(
    seen: str, forwarded: str | None, *, behind_proxy: bool, expected: str
) -> None:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    meta = RequestFactory().get("/", REMOTE_ADDR=seen, **headers).META  # type: ignore[arg-type]
    assert client_address(meta, behind_proxy=behind_proxy) == expected


def statuses(client: Client, *forwarded: str) -> list[int]:
    bad = bearer(bad_tokens()["expired"])
    return [
        client.get("/api/whoami/", headers={**bad, "X-Forwarded-For": entry}, REMOTE_ADDR="192.0.2.1").status_code
        for entry in forwarded
    ]


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "expected"),
    [
        # Without a proxy, the client cannot choose an address for itself.
        (False, ["6.6.6.1", "6.6.6.2", "6.6.6.3"], [401, 401, 429]),
        # With a proxy, the entries before the last do not count: the client can forge them.
        (True, ["6.6.6.1, 203.0.113.9", "6.6.6.2, 203.0.113.9", "203.0.113.9:77"], [401, 401, 429]),
        # Different clients of one proxy count separately.
        (True, ["203.0.113.1", "203.0.113.2", "203.0.113.3"], [401, 401, 401]),
        # The IPv6 addresses of a household count together.
        (True, ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2::3"], [401, 401, 429]),
    ],
)
def test_failed_tokens_are_counted_by_this_address(
    client: Client, settings: Any, behind_proxy: bool, forwarded: list[str], expected: list[int]
) -> None:
    rates = {"failed_tokens": "2/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    with pinned(BEHIND_PROXY=behind_proxy):
        assert statuses(client, *forwarded) == expected
    api_settings.reload()


def test_the_project_s_api_reads_behind_proxy_from_the_same_variable(settings: Any) -> None:
    assert settings.RESOURCE_SERVER["BEHIND_PROXY"] is settings.BEHIND_PROXY
