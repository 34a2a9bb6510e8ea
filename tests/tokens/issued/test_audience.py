"""The choice of the one API that a token is for. The parameter `resource` decides first, then the scopes.

The rules are in RFC 8707 section 2 and RFC 6749 section 3.3.
"""

import pytest

from tokens.errors import OAuthError
from tokens.issued import audience
from tokens.issued.audience import resolve
from tokens.models import Api, Scope

ISSUER = "https://issuer.example"
NOTES, BILLS, FURTHER, UNKNOWN_API = (f"https://{name}.example/" for name in ("notes", "bills", "further", "nobody"))
APIS = {identifier: Api(pk=number, identifier=identifier) for number, identifier in enumerate((NOTES, BILLS, FURTHER))}
USABLE = [Scope(name="notes:read", api=APIS[NOTES]), Scope(name="bills:read", api=APIS[BILLS])]


def settle(scopes, resources, openid=("openid", "profile", "offline_access")):
    return resolve(scopes.split(), resources, usable=USABLE, openid=openid, issuer=ISSUER, further=[APIS[FURTHER]])


@pytest.mark.parametrize(
    ("scopes", "resources", "audience"),
    [
        ("notes:read", [], NOTES),
        ("notes:read openid", [NOTES], NOTES),
        ("notes:read", [NOTES, NOTES], NOTES),
        ("openid", [], ISSUER),
        ("openid", [ISSUER], ISSUER),
        ("", [FURTHER], FURTHER),
        ("openid", [FURTHER], FURTHER),
    ],
)
def test_a_request_is_for_one_api_or_for_the_issuer_itself(scopes, resources, audience):
    target = settle(scopes, resources)
    assert (target.audience, target.scopes, target.api) == (audience, tuple(scopes.split()), APIS.get(audience))


@pytest.mark.parametrize("scopes", ["", "notes:read", "openid", "unknown"])
@pytest.mark.parametrize("resources", [[UNKNOWN_API], [NOTES, BILLS], [NOTES, UNKNOWN_API], [ISSUER, FURTHER]])
def test_a_resource_that_is_unknown_or_not_one_is_an_invalid_target_for_all_scopes(scopes, resources):
    with pytest.raises(OAuthError) as refused:
        settle(scopes, resources)
    assert refused.value.error == "invalid_target"


def test_scopes_of_several_apis_name_no_target():
    with pytest.raises(OAuthError) as refused:
        settle("notes:read bills:read", [])
    assert refused.value.error == "invalid_target"


def test_where_no_user_is_known_the_issuer_is_no_target():
    with pytest.raises(OAuthError) as refused:
        settle("", [ISSUER], openid=())
    assert refused.value.error == "invalid_target"


@pytest.mark.parametrize(
    ("scopes", "resources"),
    [
        ("", []),
        ("", [NOTES]),
        ("", [ISSUER]),
        ("openid", [NOTES]),
        ("unknown", []),
        ("unknown", [NOTES]),
        ("notes:read", [BILLS]),
        ("notes:read", [FURTHER]),
        ("notes:read", [ISSUER]),
        ("profile", []),
        ("offline_access", []),
        ("profile notes:read", [NOTES]),
    ],
)
def test_a_scope_that_is_missing_unknown_or_another_api_s_is_an_invalid_scope(scopes, resources):
    with pytest.raises(OAuthError) as refused:
        settle(scopes, resources)
    assert refused.value.error == "invalid_scope"


class Registered:
    """A client in the form in which the registry caches clients. It counts how often its scopes are read."""

    def __init__(self, *, registered_by=None, targets=None):
        self.registered_by, self.targets, self.reads, self.permitted_apis = registered_by, targets, 0, []

    @property
    def permitted_scopes(self):
        self.reads += 1
        return USABLE


def target(client, scopes, resources=()):
    return audience.of_client(client, scopes, resources, openid=False)


def test_a_refusal_names_a_requested_scope_of_another_api():
    usable = [Scope(name="bills:pay", api=APIS[BILLS]), *USABLE]
    with pytest.raises(OAuthError) as refused:
        resolve(["notes:read", "bills:read"], [NOTES], usable=usable, openid=(), issuer=ISSUER)
    assert refused.value.description == "The scope bills:read does not belong to the requested resource."


def test_a_scope_is_understood_if_an_api_or_the_issuer_defines_it(apis):
    requested = ["openid", "notes:read", "mine:read", "nonsense"]
    assert audience.understood(requested, predefined={"mine:read"}) == ["openid", "notes:read", "mine:read"]


def test_the_target_of_a_request_is_cached_with_the_client_of_the_registry():
    client = Registered(targets={})
    first = target(client, ["notes:read"])
    assert target(client, ["notes:read"], []) is first
    assert client.reads == 1
    assert target(client, ["notes:read"], [NOTES]) == first
    assert target(client, ["bills:read"]).audience == BILLS
    assert client.reads == 3


def test_a_refusal_is_not_remembered():
    client = Registered(targets={})
    for _ in range(2):
        with pytest.raises(OAuthError):
            target(client, ["unknown"])
    assert client.targets == {}


@pytest.mark.parametrize("client", [Registered(), Registered(targets={}, registered_by="document")])
def test_no_target_is_cached_with_a_client_that_the_registry_did_not_keep_or_that_settings_restrict(client):
    assert [target(client, ["notes:read"]).audience for _ in range(2)] == [NOTES, NOTES]
    assert client.reads == 2
    assert not client.targets


def test_a_client_cannot_fill_the_memory_of_the_process():
    client = Registered(targets={})
    for number in range(2 * audience.REMEMBERED):
        target(client, ["notes:read"] * (number + 1))
    assert len(client.targets) == audience.REMEMBERED
