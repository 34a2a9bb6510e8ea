"""The clients of the drill.

There is a client for each grant type, one that logs its user out, one that reads the public documents, and one for
each API.
"""

import random
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt

from project.drill.caller import Caller, World
from project.drill.ledger import Check, Token
from project.drill.periodic_jobs import Scheduler
from project.drill.registration import DEVICE, EXCHANGE, JWT_BEARER
from project.drill.topology import ORDERS, POLL
from project.drill.users import Family, Visitor
from project.drill.web_application import WebUser
from project.drill.wire import Wire

EARLY = 10
"""A token is not exchanged if it expires within this many seconds."""


class ClientCredentials(Caller):
    """A service that gets tokens by client credentials, and revokes some of them."""

    name = "client_credentials"
    turns = 0

    def turn(self) -> None:
        """Get a token, and revoke each fifth token."""
        credentials = self.world.basic("service")
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        token = self.keep(self.wire.token("/oauth/token", form, auth=credentials))
        self.turns += 1
        if token and self.turns % 5 == 0:
            self.revoke(token, self.world.wallet.texts[token])

    def revoke(self, token: Token, text: str) -> None:
        """Send revocation requests for the token until the issuer acknowledges one, or the drill ends.

        `text` is the token itself, and `token` is its record.
        """
        ledger = self.world.wallet.ledger
        revocation = ledger.begin("jti", token.jti, now=time.time())
        while self.wire.token("/oauth/revoke", {"token": text}, auth=self.world.basic("service")) is None:
            if self.world.stopped.wait(1):
                return
        ledger.end(revocation, acknowledged=True, now=time.time())


class CodeAndRefresh(Caller):
    """A browser application of the user ada: one login, then refreshes.

    Each refresh also checks that the issuer has not lost the refresh token.
    """

    name = "code and refresh"
    turns = 0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.user = Visitor("ada", world.registered, self.wire)
        self.family = Family(self.user)

    def turn(self) -> None:
        """Refresh the tokens, or get a new code if there is no refresh token.

        In each fifth turn, check that the consent is still stored.
        """
        self.world.latest = self.keep(self.family.next_tokens()) or self.world.latest
        self.turns += 1
        if self.turns % 5 == 0:
            self.user.look_for_consent()


class LoggedOut(Caller):
    """The user eve: logs in, gets tokens, and then logs out everywhere or lets the client revoke the refresh token."""

    name = "log in and out"
    pause = 3.0  # seconds; within the second of a log-out, the issuer answers 503 for this user
    turns = 0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.user = Visitor("eve", world.registered, self.wire)

    def turn(self) -> None:
        """Log in and get tokens. Then, in alternating turns, log out everywhere or revoke the refresh token."""
        family = Family(self.user)
        token = self.keep(family.next_tokens())
        if token is None:
            return
        self.world.stopped.wait(1)
        self.turns += 1
        if self.turns % 2:
            self.user.log_out_everywhere()
        else:
            family.revoke(token)


class Television(Caller):
    """A television that gets tokens by the device code grant. The user tom allows its requests in a browser."""

    name = "device"
    pause = 1.0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.user = Visitor("tom", world.registered, self.wire)

    def turn(self) -> None:
        """Send a device authorization request (RFC 8628), allow it as tom, and poll for the token."""
        begun = self.wire.token("/oauth/device", {"client_id": "tv", "scope": "notes:read"})
        if not begun or not self.user.allow_device(begun["user_code"]):
            return
        form = {"grant_type": DEVICE, "client_id": "tv", "device_code": begun["device_code"]}
        for _ in range(20):
            answer = self.wire.token("/oauth/token", form, expects=self.waits)
            if answer or self.world.stopped.wait(1):
                self.keep(answer)
                return

    def waits(self, answer: Mapping[str, Any]) -> bool:
        """Return True if `answer` is an error of the token endpoint that is expected after the user was logged out.

        The expected errors are invalid_grant, slow_down and authorization_pending.
        """
        return (
            answer.get("error") in {"invalid_grant", "slow_down", "authorization_pending"}
            and self.user.was_logged_out()
        )


class ExchangingApi(Caller):
    """The notes API, which exchanges ada's tokens for tokens of the orders API."""

    name = "token exchange"

    def turn(self) -> None:
        """Exchange ada's newest token. Do nothing if she has none, or if the token is revoked or about to expire."""
        token = self.world.latest
        if token is None or token.exp < time.time() + EARLY or self.world.wallet.is_revoked(token):
            return
        form = {
            "grant_type": EXCHANGE, "subject_token": self.world.wallet.texts[token], "scope": "orders:read",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token", "resource": ORDERS,
        }  # fmt: skip
        revoked = lambda _: self.world.wallet.is_revoked(token)  # noqa: E731 (one expression)
        self.keep(self.wire.token("/oauth/token", form, auth=self.world.basic("broker"), expects=revoked))


class JwtBearer(Caller):
    """A batch job that gets tokens for the user bob by assertions that it signs (RFC 7523)."""

    name = "jwt bearer"

    def turn(self) -> None:
        """Sign a new assertion, and get a token for it."""
        claims = {
            "iss": "batch", "sub": self.world.registered.subjects["bob"], "aud": self.world.topology.url,
            "exp": int(time.time()) + 60, "jti": str(uuid.uuid4()),
        }  # fmt: skip
        headers = {"typ": "authorization-grant+jwt", "kid": "batch"}
        assertion = jwt.encode(claims, self.world.registered.key, algorithm="ES256", headers=headers)
        form = {"grant_type": JWT_BEARER, "assertion": assertion, "scope": "notes:read"}
        self.keep(self.wire.token("/oauth/token", form))


class DocumentReader(Caller):
    """A client that reads the issuer's public documents, as APIs and OAuth clients do."""

    name = "documents"
    paths = ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/healthz")

    def turn(self) -> None:
        """Read each of the issuer's public documents once."""
        for path in self.paths:
            self.wire.document(path)


class Prober(Caller):
    """A client that presents tokens of every kind to one API."""

    pause = 0.15

    def __init__(self, world: World, api: str) -> None:
        self.name = self.api = api
        super().__init__(world)

    def turn(self) -> None:
        """Present a token of a random kind to the API. Do nothing if there is no token of this kind.

        In most turns, the token is one of the newest. In the other turns, it is revoked, expired, or has a changed
        signature.
        """
        kind = random.choices(("valid", "revoked", "expired", "changed"), (6, 2, 1, 1))[0]  # noqa: S311
        pair = self.world.wallet.some(kind)
        if pair is None:
            return
        token, text = pair
        if kind == "changed":
            head, body, signature = text.split(".")
            changed = f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
            self.wire.use(self.api, None, changed)
        else:
            self.wire.use(self.api, token, text)


GRANT_TYPES = (ClientCredentials, CodeAndRefresh, Television, ExchangingApi, JwtBearer)


def start(world: World, apis: tuple[str, ...]) -> list[threading.Thread]:
    """Start and return the threads: one for each client, one Prober for each of `apis`, one for the scheduled jobs."""
    clients: list[Caller] = [kind(world) for kind in (*GRANT_TYPES, LoggedOut, DocumentReader, WebUser, Scheduler)]
    clients += [Prober(world, api) for api in apis]
    threads = [threading.Thread(target=client.run, name=client.name, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    return threads


def look_for_revocations(world: World) -> None:
    """Introspect each unexpired token whose revocation was acknowledged, and record whether it is still revoked.

    Call this function only while the issuer runs without a fault.
    """
    wire = Wire(world.topology, world.wallet, "introspection")
    acknowledged = {
        revocation.identifier
        for revocation in world.wallet.ledger.revocations
        if revocation.kind == "jti" and revocation.acknowledged
    }
    for token, text in list(world.wallet.texts.items()):
        if token.jti in acknowledged and token.exp > time.time() + POLL:
            answer = wire.token("/oauth/introspect", {"token": text}, auth=world.basic("service"))
            if answer is not None:
                world.wallet.ledger.checks.append(Check("revocation", time.time(), kept=not answer["active"]))
