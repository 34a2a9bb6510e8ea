"""The claims hook: a function of the deployment that adds claims (ISSUER["CLAIMS"], docs/claims.md).

1. The hook is called with the user, client, API, scopes and place (access token, ID token or userinfo). It runs in
   another thread for at most CLAIMS_WITHIN.
2. The hook returns a mapping that is strict JSON (`jose.strict_json`) of at most LARGEST bytes. Verifiers might refuse
   a token with other JSON.
3. The mapping contains none of the protocol's claims, which clients and APIs verify, and no claim that another setting
   controls.

If one of these rules is violated, no token is issued, and the audit line of the refusal has the reason.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from django.utils.module_loading import import_string

from tokens import conf
from tokens.claims import names, worker
from tokens.claims.claims_error import ClaimsFailed, described
from tokens.jose import strict_json
from tokens.models import Api, Client, User

LARGEST = 2048
"""The greatest number of bytes of the added claims as JSON. APIs refuse tokens of more than 8 KiB."""


class Place(StrEnum):
    """The place to which the hook adds claims: access token, ID token or userinfo."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 (a name)
    ID_TOKEN = "id_token"  # noqa: S105 (a name)
    USERINFO = "userinfo"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsContext:
    """The arguments of the claims hook."""

    user: User | None
    """The user for whom the token is; None if the client acts for itself."""
    client: Client
    api: Api | None
    """The API that the access token is for; None if it is for the issuer."""
    scopes: frozenset[str]
    """The granted scopes, those of OpenID Connect included."""
    place: Place


class ClaimsHook(Protocol):
    """The type of the function that ISSUER["CLAIMS"] names."""

    def __call__(
        self, *, user: User | None, client: Client, api: Api | None, scopes: frozenset[str], place: Place
    ) -> Mapping[str, Any]:
        """Return the claims to add, or an empty mapping if there are none.

        `user` is None if the client acts for itself. `api` is None if the access token is for the issuer.
        """


def added(context: ClaimsContext) -> dict[str, Any]:
    """Call the hook and return its claims. Returns {} if no hook is set. Raises ClaimsFailed if the hook fails."""
    settings = conf.issuer()
    if not settings.claims_hook:
        return {}
    try:
        hook: ClaimsHook = import_string(settings.claims_hook)
        arguments: Any = {field.name: getattr(context, field.name) for field in fields(context)}
        claims = worker.run(partial(hook, **arguments), within=settings.claims_within)
        return _checked(claims, context.place)
    except ClaimsFailed:
        raise
    except TimeoutError as error:
        raise ClaimsFailed(f"the claims hook took longer than {settings.claims_within.total_seconds():g} s") from error
    except Exception as error:
        raise ClaimsFailed(f"the claims hook failed with {described(error)}") from error


def problem(path: str) -> str | None:
    """Return why the function at this dotted path cannot be the hook, or None if it can. Imports the function."""
    try:
        return None if callable(import_string(path)) else "is no function"
    except ImportError as error:
        return f"cannot be imported: {error}"


def reserved(place: Place) -> frozenset[str]:
    """Return the names of the claims that the hook may not add at `place` (access token, ID token or userinfo)."""
    # Clients get these claims from the claims source. APIs get them only if the hook adds them.
    identity = () if place == Place.ACCESS_TOKEN else names.WORDS.keys() - {"groups"}
    return names.PROTOCOL.union(identity, ["groups"] if conf.issuer().groups_claim else [])


def _checked(claims: object, place: Place) -> dict[str, Any]:
    """Check the claims that the hook returned for `place`. Return them as a dict of JSON values.

    Raises ClaimsFailed if `claims` is not a mapping, has more than LARGEST bytes, or contains a reserved claim. Raises
    ValueError or TypeError if a value is not strict JSON.
    """
    if not isinstance(claims, Mapping) or not all(isinstance(name, str) and name for name in claims):
        raise ClaimsFailed("the claims hook returned no mapping of names to values")
    if refused := reserved(place) & claims.keys():
        raise ClaimsFailed(f"the claims hook returned reserved claims: {', '.join(sorted(refused))}")
    text = json.dumps(dict(claims), allow_nan=False)
    if len(text) > LARGEST:
        raise ClaimsFailed(f"the claims hook returned more than {LARGEST} bytes")
    # Parsed as strictly as by verifiers, so that the token has no number or text that a verifier refuses.
    return dict(strict_json.parse(text))
