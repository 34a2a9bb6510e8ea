"""The configuration of the OpenID Foundation's conformance suite for this issuer's certification plans. Pure.

- The suite finds elements of the issuer's pages by their ids and names, which must not change (docs/clients.md).
- The suite needs a screenshot of each page that a person has to judge: error pages, a second login, logout pages.
- The plans are Config, Basic, Form Post Basic, RP-Initiated Logout, Back-Channel Logout, and FAPI 2.0.
- In each plan the clients are registered in advance, and the suite reads the issuer's metadata (discovery).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Json = dict[str, object]

PICTURE = "update-image-placeholder"
IF_REQUESTED = f"{PICTURE}-optional"
WAIT = 10  # seconds
ERROR, QUESTION, DONE, LOGIN = "This request cannot be answered", "Log out?", "You are logged out", "Log in"
"""The headings of the pages of which the suite takes pictures."""

REDIRECT_ERRORS = ("ensure-registered-redirect-uri", "ensure-request-object-with-redirect-uri", "response-type-missing")
SECOND_LOGINS = ("prompt-login", "max-age-1")
LOGOUT = "rp-initiated-logout"
LOGOUT_ERRORS = (
    "bad-post-logout-redirect-uri",
    "query-added-to-post-logout-redirect-uri",
    "modified-id-token-hint",
    "bad-id-token-hint",
)
FAPI2_ERRORS = (
    "ensure-unsigned-authorization-request-without-using-par-fails",
    "par-attempt-to-use-expired-request_uri",
    "par-attempt-to-use-request_uri-for-different-client",
)
LOGOUT_QUESTIONS = ("no-id-token-hint",)
LOGOUT_PAGES = ("no-params", "only-state", "no-post-logout-redirect-uri")


@dataclass(frozen=True, slots=True)
class SuiteUser:
    """The account that the conformance suite uses to log in at the issuer."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The suite's URL without a slash at the end, and the alias of its test plans."""

    base_url: str
    alias: str

    def address(self, name: str) -> str:
        """Return the suite's URL with this `name`, such as `callback`. The clients are registered with these URLs."""
        return f"{self.base_url}/test/a/{self.alias}/{name}"


def configuration(suite: Suite, clients: Mapping[str, Json], user: SuiteUser, *, issuer: str) -> Json:
    """Return the suite's configuration. `clients` maps the suite's name for a client to its client_id and secret."""
    base = issuer.rstrip("/")
    pages = _Pages(base, user)
    return {
        "alias": suite.alias,
        "description": f"{issuer}, with the settings of certification_setup",
        "server": {"discoveryUrl": f"{base}/.well-known/openid-configuration"},
        **{name: client | {"scope": "openid"} for name, client in clients.items()},
        "browser": [pages.login(), pages.logout(DONE, IF_REQUESTED)],
        "override": {f"oidcc-{name}": {"browser": browser} for name, browser in _overrides(pages)},
    }


def fapi2(suite: Suite, clients: Mapping[str, Json], user: SuiteUser, *, issuer: str) -> Json:
    """Return the suite's configuration of the FAPI 2.0 plan (private_key_jwt, DPoP, unsigned requests).

    `clients` maps the suite's name for a client to its client_id, scope and keys. The suite uses userinfo as the API.
    """
    base = issuer.rstrip("/")
    pages = _Pages(base, user)
    refused = [(name, pages.error()) for name in FAPI2_ERRORS]
    overrides = [*refused, ("user-rejects-authentication", pages.login(allow=False))]
    return {
        "alias": suite.alias,
        "description": f"{issuer}, with the settings of certification_setup --fapi2",
        "server": {"discoveryUrl": f"{base}/.well-known/openid-configuration"},
        **clients,
        "resource": {"resourceUrl": f"{base}/oauth/userinfo"},
        "browser": [pages.login()],
        "override": {f"fapi2-security-profile-final-{name}": {"browser": [browser]} for name, browser in overrides},
    }


@dataclass(frozen=True, slots=True)
class _Pages:
    """A builder of the browser commands that the conformance suite runs at each page of the issuer."""

    base: str
    user: SuiteUser

    def login(self, *before: list[object], allow: bool = True) -> Json:
        """Return the commands that log the user in, answer the consent page, and return to the suite.

        `before` are commands for the login page that run before the login. `allow` is the answer on the consent page.
        """
        log_in: list[list[object]] = [
            *before,
            ["text", "id", "id_login", self.user.username],
            ["text", "id", "id_password", self.user.password],
            ["click", "css", "button[type=submit]"],
        ]
        answer: list[list[object]] = [["click", "css", f"button[name=allow][value={str(allow).lower()}]"]]
        returned: list[list[object]] = [["wait", "id", "submission_complete", WAIT]]
        address = f"{self.base}/oauth/authorize*"
        return {
            "match": address,
            "tasks": [
                _task("Log in", f"{self.base}/accounts/login*", log_in, optional=True),
                _task("Allow the client" if allow else "Refuse the client", address, answer, optional=True),
                _task("Return to the suite", "*/test/*/callback*", returned),
            ],
        }

    def error(self) -> Json:
        """Return the commands that take a screenshot of the error page of the authorization endpoint."""
        address = f"{self.base}/oauth/authorize*"
        return {"match": address, "tasks": [_task("Error page", address, [_wait(ERROR, PICTURE)])]}

    def logout(self, heading: str, picture: str) -> Json:
        """Return the commands that take a screenshot of the logout page with the heading `heading`.

        DONE is the heading of the page after the logout. To reach this page, the commands first confirm the logout.
        `picture` is PICTURE, or IF_REQUESTED if the screenshot is optional.
        """
        address = f"{self.base}/oauth/logout*"
        confirm: list[list[object]] = [["click", "name", "log_out", "optional"]]
        tasks = [_task("Page", address, [_wait(heading, picture)], optional=picture == IF_REQUESTED)]
        if heading == DONE:
            tasks.insert(0, _task("Log out", address, confirm, optional=True))
        return {"match": address, "tasks": tasks}


def _overrides(pages: _Pages) -> list[tuple[str, list[Json]]]:
    """Return the names of the suite's test modules that need a screenshot, each with its browser commands.

    `pages` builds the commands. The names are without the prefix `oidcc-`.
    """
    login, again = pages.login(), pages.login(_wait(LOGIN, IF_REQUESTED))
    logouts = ((LOGOUT_ERRORS, ERROR), (LOGOUT_QUESTIONS, QUESTION), (LOGOUT_PAGES, DONE))
    return [
        *((name, [pages.error()]) for name in REDIRECT_ERRORS),
        *((name, [again]) for name in SECOND_LOGINS),
        *(
            (f"{LOGOUT}-{name}", [login, pages.logout(heading, PICTURE)])
            for names, heading in logouts
            for name in names
        ),
    ]


def _task(name: str, address: str, commands: list[list[object]], *, optional: bool = False) -> Json:
    task: Json = {"task": name, "match": address, "commands": commands}
    return task | {"optional": True} if optional else task


def _wait(heading: str, picture: str) -> list[object]:
    """Return the command that waits for a page with this heading, and takes a screenshot of the page.

    `picture` is PICTURE, or IF_REQUESTED if the screenshot is optional.
    """
    return ["wait", "xpath", "//*", WAIT, heading, picture]
