"""A user's browser at the issuer, and the refresh tokens that an application got for the user."""

import math
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from project.drill.ledger import Check, Token
from project.drill.registration import CALLBACK, Enrollment, challenge
from project.drill.wire import Wire

LOGIN = "/accounts/login/"
SCOPE = "openid notes:read offline_access"
RETRY = 30
"""Seconds for which a repeated refresh gets the same successor (docs/grants.md)."""


_login_lock = threading.Lock()
"""The lock that each login holds, so that users log in one by one. A machine hashes few passwords at once."""


@dataclass(slots=True)
class Visitor:
    """A user with a browser. Each method returns None, "" or False if one of its requests failed."""

    name: str
    registered: Enrollment
    wire: Wire
    has_consented: bool = False
    """True if the issuer acknowledged the user's consent to `app`."""
    logged_in: float = 0.0

    @property
    def subject(self) -> str:
        """Return the user's `sub`."""
        return self.registered.subjects[self.name]

    def log_in(self) -> bool:
        """Log in by the issuer's form. Return True if the user is logged in afterwards."""
        with _login_lock:
            return self._log_in()

    def _log_in(self) -> bool:
        """Log in by the issuer's form, unless the user is logged in already.

        Return True if the user is logged in afterwards. The caller holds the login lock.
        """
        page = self.wire.page(LOGIN)
        if page is None:
            return False
        if page.status_code == 200:
            values = {"login": self.name, "password": self.registered.password}
            done = self.wire.submit(page, values, LOGIN)
            if done is None or done.status_code != 302:
                return False
        self.logged_in = time.time()
        return True

    def was_logged_out(self) -> bool:
        """Return True if a revocation of the user's tokens can have taken effect after the last login.

        The revocation can be for this user or for all users.
        """
        of_user = [
            revocation
            for revocation in list(self.wire.wallet.ledger.revocations)
            if revocation.kind in {"sub", "all"} and revocation.identifier in {"", self.subject}
        ]
        # A revocation of all users also ends grants that are made while it runs.
        return any(
            (revocation.acknowledged or revocation.given_up or math.inf) > self.logged_in - 2 for revocation in of_user
        )

    def code(self, verifier: str) -> str:
        """Return an authorization code for the client `app`, or "" after a failure."""
        location = self.authorize(_authorization(verifier), CALLBACK)
        self.has_consented = self.has_consented or bool(location)
        return parse_qs(urlsplit(location).query).get("code", [""])[0]

    def authorize(self, path: str, callback: str) -> str:
        """Send the authorization request `path`, and return the URL at `callback` to which the issuer redirects.

        If the issuer redirects to the login page, log in and send the request again. If it shows the consent page,
        allow the client. Returns "" after a failure, or if four requests do not lead to `callback`.
        """
        for _ in range(4):
            answer = self.wire.page(path)
            if answer is not None and answer.status_code == 200:
                answer = self.wire.submit(answer, {"allow": "true"}, path)
            if answer is None or answer.status_code == 200:
                return ""
            location = str(answer.headers.get("Location", ""))
            if location.startswith(callback):
                return location
            if "/accounts/login/" in location and not self.log_in():
                return ""
        return ""

    def look_for_consent(self) -> None:
        """Send an authorization request, and record whether the issuer still has the consent that the user gave before.

        Does nothing if the user has given no consent, or is not logged in.
        """
        if not self.has_consented:
            return
        answer = self.wire.page(_authorization(secrets.token_urlsafe(32)))
        if answer is None or "/accounts/login/" in answer.headers.get("Location", ""):
            return
        is_kept = answer.status_code != 200
        self.wire.wallet.ledger.checks.append(Check("consent", time.time(), kept=is_kept))

    def log_out_everywhere(self) -> None:
        """Log the user out everywhere, which revokes the tokens. Record the revocation in the drill's ledger."""
        path, ledger = "/accounts/everywhere/", self.wire.wallet.ledger
        page = self.wire.page(path)
        if page is None or page.status_code != 200:
            return
        revocation = ledger.begin("sub", self.subject, now=time.time())
        done = self.wire.submit(page, {}, path)
        acknowledged = done is not None and done.status_code < 400
        ledger.end(revocation, acknowledged=acknowledged, now=time.time())
        self.has_consented = False

    def allow_device(self, user_code: str) -> bool:
        """Enter the user code of a device, and allow the request. Return True if both succeeded."""
        path = "/oauth/device/verify"
        page = self.wire.page(path)
        if page is not None and page.status_code == 302 and self.log_in():
            page = self.wire.page(path)
        if page is None or page.status_code != 200:
            return False
        shown = self.wire.submit(page, {"user_code": user_code}, path)
        if shown is None or shown.status_code != 200:
            return False
        done = self.wire.submit(shown, {"allow": "true"}, path)
        return done is not None and done.status_code == 200


class Family:
    """The refresh tokens that the client `app` got under one grant."""

    def __init__(self, user: Visitor) -> None:
        self.user, self.refresh, self.unanswered, self.grant = user, "", 0.0, ""

    def next_tokens(self) -> Mapping[str, Any] | None:
        """Refresh, or redeem a new code if there is no refresh token. Returns the JSON of the answer.

        Returns None after a failure. If the issuer answers a refresh, also records whether it still accepted the
        refresh token.
        """
        answer = self._refreshed() if self.refresh else self._redeemed()
        if answer and "refresh_token" in answer:
            self.refresh, self.unanswered = answer["refresh_token"], 0.0
        return answer

    def _redeemed(self) -> Mapping[str, Any] | None:
        """Get an authorization code, and redeem it with its PKCE verifier.

        Return the JSON of the answer, or None after a failure.
        """
        verifier = secrets.token_urlsafe(32)
        code = self.user.code(verifier)
        if not code:
            return None
        form = {
            "grant_type": "authorization_code", "client_id": "app", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }  # fmt: skip
        answer: Mapping[str, Any] | None = self.user.wire.token(
            "/oauth/token", form, expects=lambda _: self.user.was_logged_out()
        )
        return answer

    def _refreshed(self) -> Mapping[str, Any] | None:
        """Refresh, and record whether the issuer accepted the refresh token. Return the JSON of the issuer's answer.

        If the issuer refuses the refresh token, the record has the result of `_excuse`, the refresh token is forgotten,
        and the JSON of the refusal is returned. After a failure (no answer, or a status of 500 or more), records
        nothing and returns None.
        """
        form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": self.refresh}
        sent = time.time()
        answer: Mapping[str, Any] | None = self.user.wire.token(
            "/oauth/token", form, expects=lambda _: bool(self._excuse())
        )
        if answer is None:
            self.unanswered = self.unanswered or sent
            return None
        is_kept = "refresh_token" in answer
        excuse = "" if is_kept else self._excuse()
        self.user.wire.wallet.ledger.checks.append(Check("refresh token", time.time(), is_kept, excuse))
        if not is_kept:
            self.refresh = ""
        return answer

    def _excuse(self) -> str:
        """Return the reason why the issuer may refuse the refresh token, or "" if it must be accepted."""
        if self.user.was_logged_out():
            return "revoked"
        lost = self.unanswered and time.time() - self.unanswered > RETRY
        return "repeated after more than 30 s" if lost else ""

    def revoke(self, token: Token) -> None:
        """Revoke the refresh token, and thereby the grant of `token`.

        If the issuer acknowledges the revocation, refresh once more, and record whether the issuer refuses the refresh.
        """
        wire, ledger = self.user.wire, self.user.wire.wallet.ledger
        revocation = ledger.begin("grant", token.grant, now=time.time())
        answer = wire.token("/oauth/revoke", {"client_id": "app", "token": self.refresh})
        ledger.end(revocation, acknowledged=answer is not None, now=time.time())
        if answer is None:
            return
        form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": self.refresh}
        answer = wire.token("/oauth/token", form, expects=lambda error: error.get("error") == "invalid_grant")
        if answer is not None:
            is_kept = answer.get("error") == "invalid_grant"
            wire.wallet.ledger.checks.append(Check("revocation", time.time(), kept=is_kept))


def _authorization(verifier: str) -> str:
    query = {
        "response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "scope": SCOPE, "state": "s",
        "code_challenge": challenge(verifier), "code_challenge_method": "S256",
    }  # fmt: skip
    return f"/oauth/authorize?{urlencode(query)}"
