"""PostgreSQL compares origins as a whole, not as prefixes.

tests/tokens/views/test_cors.py tests the same on SQLite.
"""

import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services

TOKEN_REQUEST = r"""
from tokens.models import Client
from tokens.views import cors
origins = "https://other.example https://app.example:8443\r\nhttps://a-b.example http://[::1]:5000"
Client.objects.create(client_id="page", name="Page", allowed_origins=origins)
others = ["https://app.example", "https://a.b.example", "https://a", "http://[::1]:500", "https:"]
for origin in [*origins.split(), *others]:
    print(cors.is_registered(origin))
"""


def test_an_origin_is_compared_as_a_whole(module_issuer: Issuer) -> None:
    answers = module_issuer.run("shell", "-v", "0", "--no-imports", "-c", TOKEN_REQUEST).split()
    assert answers == ["True"] * 4 + ["False"] * 5
