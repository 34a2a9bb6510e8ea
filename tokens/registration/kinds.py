"""The kinds of clients: for each kind, the questions to the operator and the values that the kind implies. Pure.

- A kind is data. `register` validates the resulting client like any other client, so a kind cannot permit an unsafe
  value.
- `create_client --kind` and the admin ("What is it?") read this table. A new kind is a new entry, with its snippets in
  tokens/templates/tokens/snippets/.
- Texts are translated by the command or page that shows them.

Example: a single-page application is public, logs users in, and may call the issuer from the origin of its redirect
URI. Its operator is asked for the redirect URI and the scopes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tokens.languages import gettext_noop

LOGIN = ("authorization_code", "refresh_token")
DEVICE = ("urn:ietf:params:oauth:grant-type:device_code", "refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """The template of a block of code that the operator pastes into the client's program or configuration."""

    title: str
    template: str
    """The name of a file in tokens/templates/tokens/snippets/."""
    loopback: bool | None = None
    """True: shown only if the first redirect URI is at a loopback address. False: only if it is not. None: always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKind:
    """A kind of client, such as a service: the questions to the operator, and the values that the kind implies."""

    name: str
    title: str
    description: str
    grants: tuple[str, ...] = ()
    is_public: bool = False
    """True if the client cannot keep a secret."""
    asks: tuple[str, ...]
    """The fields that the operator fills in, in addition to the name: some of `redirect_uris`,
    `post_logout_redirect_uris`, `scopes` and `api`."""
    redirect_uris: str = ""
    """The redirect URIs that the form proposes."""
    calls_from_browser: bool = False
    """True if scripts in the browser call the issuer. If so, the origins of the redirect URIs are allowed (CORS)."""
    policy: Mapping[str, object] = field(default_factory=dict)
    """Further fields of the client by name. Each is a field whose default is None, False or empty."""
    snippets: tuple[Snippet, ...]

    @property
    def logs_in(self) -> bool:
        """Return True if users log in. The client can then request the scopes of OpenID Connect."""
        return "refresh_token" in self.grants


KINDS: tuple[ClientKind, ...] = (
    ClientKind(
        name="web",
        title=gettext_noop("Web application"),
        description=gettext_noop("Runs on a server and logs users in. It keeps a secret."),
        grants=LOGIN,
        asks=("redirect_uris", "post_logout_redirect_uris", "scopes"),
        snippets=(
            Snippet(title="Python: Authlib", template="web_authlib.py.txt"),
            Snippet(title="JavaScript: openid-client", template="web_openid_client.mjs.txt"),
        ),
    ),
    ClientKind(
        name="spa",
        title=gettext_noop("Single-page application"),
        description=gettext_noop("Runs in the browser, without a server of its own. It cannot keep a secret."),
        grants=LOGIN,
        is_public=True,
        asks=("redirect_uris", "post_logout_redirect_uris", "scopes"),
        calls_from_browser=True,
        snippets=(Snippet(title="JavaScript: oidc-client-ts", template="spa_oidc_client.mjs.txt"),),
    ),
    ClientKind(
        name="native",
        title=gettext_noop("Native application"),
        description=gettext_noop("Is installed on a computer or a phone and logs its user in by the browser."),
        grants=LOGIN,
        is_public=True,
        asks=("redirect_uris", "scopes"),
        redirect_uris="http://127.0.0.1/callback",
        snippets=(
            Snippet(title="JavaScript: openid-client", template="native_openid_client.mjs.txt", loopback=True),
            Snippet(title="JavaScript: openid-client", template="web_openid_client.mjs.txt", loopback=False),
        ),
    ),
    ClientKind(
        name="service",
        title=gettext_noop("Service"),
        description=gettext_noop("Acts for itself: a job, a daemon, another API. No user logs in."),
        grants=("client_credentials",),
        asks=("scopes",),
        snippets=(
            Snippet(title="curl", template="service_curl.sh.txt"),
            Snippet(title="Python: Authlib", template="service_authlib.py.txt"),
        ),
    ),
    ClientKind(
        name="device",
        title=gettext_noop("Device"),
        description=gettext_noop("Has no browser: a TV, a command line. The user logs in on another screen."),
        grants=DEVICE,
        is_public=True,
        asks=("scopes",),
        snippets=(Snippet(title="curl", template="device_curl.sh.txt"),),
    ),
    ClientKind(
        name="api",
        title=gettext_noop("API that introspects"),
        description=gettext_noop("Receives tokens and asks the issuer about them. It gets no tokens itself."),
        asks=("api",),
        snippets=(Snippet(title="curl", template="api_curl.sh.txt"),),
    ),
)
BY_NAME: Mapping[str, ClientKind] = {kind.name: kind for kind in KINDS}


def origins(redirect_uris: Iterable[str]) -> tuple[str, ...]:
    """Return the origins of the http and https redirect URIs, each once. Skips addresses that are malformed."""
    unique_origins: dict[str, None] = {}
    for uri in redirect_uris:
        try:
            parts = urlsplit(uri)
        except ValueError:  # the registration reports the malformed redirect URI
            continue
        if parts.scheme in {"http", "https"} and parts.netloc:
            unique_origins[f"{parts.scheme}://{parts.netloc}"] = None
    return tuple(unique_origins)


def policy(kind: ClientKind, redirect_uris: Sequence[str]) -> dict[str, object]:
    """Return the fields, by name, that a client of this kind gets in addition to its grant types and redirect URIs.

    If scripts in the browser call the issuer, the fields include the origins of `redirect_uris` (CORS).
    """
    allowed = {"allowed_origins": " ".join(origins(redirect_uris))} if kind.calls_from_browser else {}
    return {**kind.policy, **allowed}


def completed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `create_client`, completed by the values that the kind in `options` implies.

    - Grant types of the options are added to those of the kind.
    - Redirect URIs and origins of the options replace those of the kind.
    - A further entry, "kind_policy", has the other columns of the client that the kind implies.

    Without a kind, returns the options unchanged.
    """
    kind = BY_NAME.get(options["kind"])
    if kind is None:
        return dict(options)
    redirect_uris = options["redirect_uris"] or kind.redirect_uris.split()
    allowed = origins(redirect_uris) if kind.calls_from_browser else ()
    return {
        **options,
        "grants": list(dict.fromkeys([*kind.grants, *options["grants"]])),
        "public": options["public"] or kind.is_public,
        "redirect_uris": redirect_uris,
        "origins": options["origins"] or list(allowed),
        "kind_policy": kind.policy,
    }
