"""The URL argument of `check_proxy`. tests/proxies runs the command against real proxies."""

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize(
    "url", ["http://[::1", "https://issuer.example:port", "https://", "ftp://issuer.example", "https://a.example/?b"]
)
def test_an_invalid_url_is_wrong_usage_and_the_error_shows_an_example(url):
    with pytest.raises(CommandError, match=r"like https://issuer\.example, not ") as raised:
        call_command("check_proxy", url)
    assert raised.value.returncode == 2
