"""Records the steps that each client completed in the last run of the tests.

They are stored under var/clients/, for the table in docs/clients/README.md.
"""

import json
from dataclasses import dataclass, field

from tests.clients.recipes import environments

STEPS = {
    "login": "the user logs in and consents, and the client accepts the response",
    "claims": "the client has the user's name and e-mail address, from userinfo or the ID token",
    "API": "the client's access token opens an API",
    "refresh": "the client gets new tokens without the user",
    "logout": "the user who logs out at the client is logged out at the issuer",
}


@dataclass(slots=True)
class Steps:
    """The steps that one client completed.

    A test calls `done` for each completed step. At the end, it calls `complete` and names the steps that the client
    cannot do.
    """

    client: str
    outcomes: dict[str, str] = field(default_factory=dict)

    def done(self, step: str) -> None:
        assert step not in self.outcomes
        self.outcomes[step] = "yes"

    def complete(self, *, lacks: str = "") -> None:
        """Write the results to a file. Fails unless each step of `STEPS` was completed or is named in `lacks`."""
        assert sorted([*self.outcomes, *lacks.split()]) == sorted(STEPS)
        folder = environments.folder() / "results"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.client}.json").write_text(json.dumps(self.outcomes), encoding="utf-8")
