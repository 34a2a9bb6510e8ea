"""A user logs in with a browser, and a public client on the same machine gets a token (RFC 8252)."""

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from project.launch.browser import Browser
from tests.resources.loopback import loopback, raw
from tests.servers.issuer import Issuer


def user_token(issuer: Issuer, client_id: str, scope: str) -> str:
    """Run the code flow of the public client `client_id`, and return the access token of the demo's user.

    The client must have the redirect URI http://127.0.0.1/. Listens on a free port of this address.
    """
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with loopback() as client:
        redirect_uri = f"{client.url}/"
        request = {
            "response_type": "code",
            "client_id": client_id,
            "scope": scope,
            "redirect_uri": redirect_uri,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": "here",
        }
        client.answers["/"] = raw(b"done")
        browser = Browser()
        browser._session.verify = str(issuer.ca)
        page = browser.get(f"{issuer.url}/oauth/authorize?{urlencode(request)}")
        page = browser.log_in(page, "demo", issuer.demo["DEMO_PASSWORD"])
        where = urlsplit(browser.submit(page, {}, button="allow").url if "Allow" in page.text else page.url)
        # The loopback server answers no path with a query: its address is what counts.
        code = parse_qs(where.query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    form |= {"client_id": client_id, "code_verifier": verifier}
    answer = requests.post(f"{issuer.url}/oauth/token", form, verify=str(issuer.ca), timeout=60)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
