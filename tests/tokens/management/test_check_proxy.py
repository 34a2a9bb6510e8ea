"""`check_proxy`: which URLs it takes. What it finds is tested against real proxies in tests/proxies."""

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize(
    "url", ["http://[::1", "https://issuer.example:port", "https://", "ftp://issuer.example", "https://a.example/?b"]
)
def test_what_is_no_url_of_an_issuer_is_wrong_usage_that_shows_one(url):
    with pytest.raises(CommandError, match=r"like https://issuer\.example, not ") as raised:
        call_command("check_proxy", url)
    assert raised.value.returncode == 2
