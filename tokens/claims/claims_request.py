"""The `claims` request parameter, by which a client requests claims by name (OpenID Connect Core section 5.5).

- The members `userinfo` and `id_token` map the name of a claim to null, or to an object that can have the members
  `essential`, `value` and `values`.
- Claims that this issuer does not support, names with a language tag, and unknown members are ignored.
- A claim is left out if its value is not among the requested values.
- `acr` and `sub` are requirements on the login (sections 5.5.1 and 5.5.1.1). The caller enforces them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tokens.claims import names
from tokens.errors import OAuthError
from tokens.jose import strict_json

LONGEST = 4096
"""The greatest number of characters of the parameter."""
PLACES = ("userinfo", "id_token")
OF_LOGIN = frozenset({"sub", "acr"})
"""Claims that a request can require of the login."""


@dataclass(frozen=True, slots=True)
class RequestedClaim:
    """A single claim that a client requests by name."""

    essential: bool = False
    values: tuple[Any, ...] | None = None
    """The accepted values; None if every value is accepted."""

    def accepts(self, value: object) -> bool:
        """Return True if the client accepts this value of the claim."""
        return self.values is None or any(
            type(accepted) is type(value) and accepted == value for accepted in self.values
        )

    def stored(self) -> dict[str, Any]:
        """Return the requested claim as JSON, in the form of the `claims` parameter, which `read` parses."""
        return {"essential": self.essential} | ({} if self.values is None else {"values": list(self.values)})


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """The claims that a client requests for userinfo and for the ID token."""

    userinfo: Mapping[str, RequestedClaim] = field(default_factory=dict)
    id_token: Mapping[str, RequestedClaim] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the requested claims, without `sub` and `acr`, which are requirements on the login."""
        return tuple(dict.fromkeys(name for name in (*self.userinfo, *self.id_token) if name not in OF_LOGIN))

    def beyond(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the requested claims that these scopes do not grant."""
        return tuple(name for name in self.names if name not in names.of_scopes(scopes))

    def allows_subject(self, subject: str) -> bool:
        """Return True unless the requested claim `sub` names a user other than `subject` (OIDC Core section 5.5.1)."""
        return all(part["sub"].accepts(subject) for part in (self.userinfo, self.id_token) if "sub" in part)

    def allows_class(self, acr: str) -> bool:
        """Return True unless an essential `acr` claim of the request excludes `acr` (OIDC Core section 5.5.1.1).

        `acr` is the authentication context class of the login. An essential claim always excludes an empty `acr`.
        """
        requested = self.id_token.get("acr")
        return requested is None or not requested.essential or (bool(acr) and requested.accepts(acr))

    def stored(self) -> dict[str, dict[str, Any]] | None:
        """Return the requested claims about the user as JSON, for the user grant, or None if there are none."""
        parts = {place: getattr(self, place) for place in PLACES}
        stored_parts = {
            place: {name: requested.stored() for name, requested in _about_user(part)} for place, part in parts.items()
        }
        return stored_parts if any(stored_parts.values()) else None


NOTHING = ClaimsRequest()


def parse(text: str | None, *, supported: Collection[str]) -> ClaimsRequest:
    """Parse the `claims` parameter of an authorization request, a JSON text. Returns NOTHING if it is missing.

    Ignores claims that are not in `supported`, except `sub` and `acr`. Raises OAuthError invalid_request if the text is
    malformed.
    """
    if text is None:
        return NOTHING
    if len(text) > LONGEST:
        raise OAuthError("invalid_request", f"The claims parameter is longer than {LONGEST} characters.")
    try:
        document = strict_json.parse(text)
    except strict_json.NotStrict as error:
        raise OAuthError("invalid_request", f"The claims parameter is not usable: {error}.") from error
    if not isinstance(document, dict):
        raise OAuthError("invalid_request", "The claims parameter is not a JSON object.")
    return read(document, supported={*supported, *OF_LOGIN})


def read(document: Mapping[str, Any], *, supported: Collection[str]) -> ClaimsRequest:
    """Parse the `claims` parameter from its JSON object. Ignores claims that are not in `supported`.

    Raises OAuthError invalid_request if the object is malformed.
    """
    return ClaimsRequest(**{place: dict(_part(document.get(place), supported)) for place in PLACES})


def _part(part: object, supported: Collection[str]) -> Iterator[tuple[str, RequestedClaim]]:
    if part is None:
        return
    if not isinstance(part, dict):
        raise OAuthError("invalid_request", "A member of the claims parameter is not an object.")
    yield from ((name, _requested(options)) for name, options in part.items() if name in supported)


def _requested(options: object) -> RequestedClaim:
    """Return the requested claim for its options in the `claims` parameter (OpenID Connect Core section 5.5.1).

    Raises OAuthError invalid_request if `options` is malformed: neither null nor an object, or with both `value` and
    `values`.
    """
    if options is None:
        return RequestedClaim()
    essential = options.get("essential", False) if isinstance(options, dict) else None
    if not isinstance(options, dict) or not isinstance(essential, bool) or {"value", "values"} <= options.keys():
        raise OAuthError("invalid_request", "A claim in the claims parameter has malformed options.")
    values = [options["value"]] if "value" in options else options.get("values")
    if values is not None and not (isinstance(values, list) and values):
        raise OAuthError("invalid_request", "The values of a claim in the claims parameter are not a list.")
    return RequestedClaim(essential, None if values is None else tuple(values))


def _about_user(part: Mapping[str, RequestedClaim]) -> Iterator[tuple[str, RequestedClaim]]:
    return ((name, requested) for name, requested in part.items() if name not in OF_LOGIN)
