"""A user of the example web application: amy logs in by the authorization code flow, and reads her notes.

The application answers 502 if the issuer or the API does not answer, and 400 or 401 if the user has to log in again.
The ledger records the application's answers as calls of the group "webapp". The application's page /evidence.json shows
the token and the status of the API's answer. The ledger records both as a use of the token.
"""

import time
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from project.drill.caller import Caller, World
from project.drill.ledger import BY_WEBAPP, UNANSWERED, Use, outcome
from project.drill.users import Visitor
from project.drill.wire import described

NO_ANSWER = 0
"""The status that the application reports for the API if the API did not answer in time."""


class WebUser(Caller):
    """The user amy, whose browser has a session at the issuer and a session at the application."""

    name = "web application"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.user = Visitor("amy", world.registered, self.wire)
        self.logged_in = False

    def turn(self) -> None:
        """Read the notes. Log in if the application or the API answers 401."""
        sent = time.time()
        answer = self.wire.application("/evidence.json", expects=self.is_expected)
        if answer is None:
            return
        if answer.status_code == 401:
            self.logged_in = self.log_in()
            return
        evidence = answer.json()
        token, status = described(evidence["header"], evidence["claims"]), evidence["api"]["status"]
        result = UNANSWERED if status == NO_ANSWER else outcome(status, {"Retry-After": "1"})
        self.world.wallet.ledger.uses.append(Use(BY_WEBAPP, token, sent, time.time(), result))
        if status == 401:
            self.logged_in = self.log_in()

    def is_expected(self, _: Mapping[str, object]) -> bool:
        """Return True if a refusal is expected: the user is not logged in, or a revocation has logged the user out."""
        return not self.logged_in or self.user.was_logged_out()

    def log_in(self) -> bool:
        """Log in at the application by the issuer's code flow. Returns False after a failure."""
        started = self.wire.application("/login")
        location = started.headers.get("Location", "") if started is not None else ""
        if not location.startswith(self.world.topology.url):
            return False
        request, application = urlsplit(location), self.world.topology.application
        callback = self.user.authorize(f"{request.path}?{request.query}", urljoin(application, "/callback"))
        if not callback:
            return False
        done = self.wire.application(callback.removeprefix(application))
        return done is not None and done.status_code == 302
