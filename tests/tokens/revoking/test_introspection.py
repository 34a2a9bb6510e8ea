"""Which client may see a token by introspection."""

import pytest

from tests.tokens.factories import API, OTHER_API, make_client
from tokens.issued.token_reader import PresentedToken
from tokens.revoking import introspection

pytestmark = pytest.mark.django_db


def token(**claims):
    return PresentedToken(claims={"client_id": "app", "aud": API, "sub": "app", "jti": "t"} | claims, kid="k")


@pytest.mark.parametrize(
    ("name", "claims", "sees"),
    [
        ("app", {}, True),
        ("app", {"aud": OTHER_API}, True),
        ("desk", {}, True),
        ("desk", {"aud": OTHER_API}, False),
        ("other", {}, False),
    ],
)
def test_a_token_is_shown_to_its_client_and_to_the_operator_of_its_api(apis, name, claims, sees):
    clients = {made: make_client(made) for made in ("app", "desk", "other")}
    apis[API].client = clients["desk"]
    apis[API].save()
    assert introspection.may_see(token(**claims), clients[name]) is sees
