"""requests-oauthlib uses the code flow with PKCE, automatic refresh, and client credentials."""

import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests import marks
from tests.clients.conftest import SCOPE
from tests.flow.conftest import System

pytestmark = [*marks.stack]


def test_requests_oauthlib_gets_a_token_with_pkce_and_refreshes_it_in_a_call(public, system: System, agree):
    kept = []
    session = OAuth2Session(public, redirect_uri=system.callback, scope=SCOPE.split(), pkce="S256")
    url, _state = session.authorization_url(f"{system.issuer}/oauth/authorize")
    session.fetch_token(f"{system.issuer}/oauth/token", authorization_response=agree(url), include_client_id=True)
    assert session.get(f"{system.api}/api/notes/").status_code == 200
    first = session.token["refresh_token"]
    session.token = session.token | {"expires_in": -1, "expires_at": 1}
    session.auto_refresh_url = f"{system.issuer}/oauth/token"
    session.auto_refresh_kwargs, session.token_updater = {"client_id": public}, kept.append
    assert session.get(f"{system.api}/api/notes/").status_code == 200
    assert kept[0]["refresh_token"] != first


def test_reuse_of_a_code_is_an_error_in_requests_oauthlib_and_revokes_the_token(public, system: System, agree):
    session = OAuth2Session(public, redirect_uri=system.callback, scope=["notes:read"], pkce="S256")
    url, _state = session.authorization_url(f"{system.issuer}/oauth/authorize")
    back = agree(url)
    token = session.fetch_token(f"{system.issuer}/oauth/token", authorization_response=back, include_client_id=True)
    with pytest.raises(InvalidGrantError):
        session.fetch_token(f"{system.issuer}/oauth/token", authorization_response=back, include_client_id=True)
    introspection = requests.post(
        f"{system.issuer}/oauth/introspect",
        data={"token": token["access_token"]},
        auth=("service", system.variables.demo["SERVICE_CLIENT_SECRET"]),
        timeout=60,
    )
    assert introspection.json() == {"active": False}


def test_requests_oauthlib_gets_a_token_by_client_credentials(system: System):
    session = OAuth2Session(client=BackendApplicationClient("service", scope=["notes:read"]))
    session.fetch_token(
        f"{system.issuer}/oauth/token",
        auth=HTTPBasicAuth("service", system.variables.demo["SERVICE_CLIENT_SECRET"]),
    )
    assert session.get(f"{system.api}/api/notes/").status_code == 200
