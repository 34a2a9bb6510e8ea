"""The settings for clients that no operator registered.

By default all are off, and wrong values are refused at the start.
"""

import pytest

from tokens import conf
from tokens.settings.open_client import DEFAULTS, RegistrationMode, parse


def read(*, debug=False, **entries):
    return parse({**DEFAULTS, **entries}, debug=debug)


def test_everything_is_off_and_nothing_is_open_by_default():
    settings = read()
    assert (settings.documents, settings.registration, settings.loopback_documents) == (
        False,
        RegistrationMode.OFF,
        False,
    )
    assert (settings.scopes, settings.apis) == (frozenset(), frozenset())


def test_loopback_documents_need_debug():
    entries = {"DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS": True}
    assert read(debug=True, **entries).loopback_documents
    with pytest.raises(ValueError, match="needs DEBUG"):
        read(**entries)


@pytest.mark.parametrize("mode", ["on", "", "OPEN", None])
def test_an_unknown_mode_of_registration_is_refused(mode):
    with pytest.raises(ValueError, match="must be off, token or open"):
        read(DYNAMIC_REGISTRATION=mode)


@pytest.mark.parametrize(
    "grant_type",
    ["client_credentials", "password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange"],
)
def test_grant_types_without_a_user_cannot_be_opened(grant_type):
    with pytest.raises(ValueError, match="cannot have"):
        read(OPEN_CLIENT_GRANT_TYPES=["authorization_code", grant_type])


@pytest.mark.parametrize(
    "host", ["https://app.example", "app.example:443", "*.example", "a b", "", ".", "u@app.example"]
)
@pytest.mark.parametrize("name", ["CLIENT_DOCUMENT_HOSTS", "CLIENT_DOCUMENT_DENIED_HOSTS"])
def test_an_entry_that_is_no_host_is_refused(name, host):
    with pytest.raises(ValueError, match=rf"{name} must have hosts such as app\.example"):
        read(**{name: [host]})


@pytest.mark.parametrize(
    ("allowed", "denied", "host", "permitted"),
    [
        ([], [], "app.example", True),
        (["App.Example"], [], "app.example", True),
        (["app.example"], [], "sub.app.example", False),
        ([".app.example"], [], "sub.app.example", True),
        ([".app.example"], [], "app.example", True),
        ([".app.example"], [], "evilapp.example", False),
        ([], [".app.example"], "sub.app.example", False),
        ([], [".app.example"], "evilapp.example", True),
        (["app.example"], ["app.example"], "app.example", False),
    ],
)
def test_denied_hosts_win_over_allowed_ones(allowed, denied, host, permitted):
    settings = read(CLIENT_DOCUMENT_HOSTS=allowed, CLIENT_DOCUMENT_DENIED_HOSTS=denied)
    assert settings.permits_host(host) is permitted


@pytest.mark.parametrize(
    "name", ["DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS", "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT"]
)
@pytest.mark.parametrize("debug", [True, False])
def test_an_issuer_in_production_refuses_a_switch_for_development(settings, debug, name):
    settings.DEBUG = debug
    settings.ISSUER = settings.ISSUER | {name: True}
    if debug:
        on = {
            "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS": conf.issuer().open_clients.loopback_documents,
            "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT": conf.issuer().remembers_loopback_consent,
        }
        assert [switch for switch, is_on in on.items() if is_on] == [name]
    else:
        with pytest.raises(ValueError, match=f"{name} needs DEBUG"):
            conf.issuer()
