"""The settings of DPoP as a typed, frozen object. `conf` reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.encoding import force_bytes

from ..dpop.nonce import WINDOW as NONCE_WINDOW
from ..dpop.nonce import Nonces
from ..dpop.proof import AHEAD, ALIASES, Rules
from ..dpop.target import Target, target
from ..jose.jwk import FAMILIES

LONGEST = 300  # seconds; RFC 9449 section 11.1 asks for seconds or minutes


@dataclass(frozen=True, slots=True)
class DPoPSettings:
    """The settings of an API that accepts tokens bound to a key."""

    public_url: str
    """The URL of this API for its clients, without a slash at the end."""
    target: Target
    """The public URL, parsed."""
    algorithms: tuple[str, ...]
    rules: Rules
    required: bool
    """True if this API accepts only tokens that are bound to a key."""
    replay_cache: str
    """The name of the Django cache that stores accepted proofs, or "" if each process stores its own."""

    @property
    def remembered_for(self) -> float:
        """Return for how many seconds an accepted proof must be stored."""
        # After that time, its nonce or its `iat` is too old, so a replay is refused without the record.
        return 2 * NONCE_WINDOW if self.rules.nonces else self.rules.window + AHEAD


def dpop_settings(
    values: Mapping[str, Any], *, algorithms: Sequence[str], resource: str, secrets: Sequence[str | bytes]
) -> DPoPSettings | None:
    """Return the settings of DPoP, or None if DPoP is off.

    DPoP is off if `algorithms` is empty or the API has no public URL. `values` are the entries of RESOURCE_SERVER,
    `resource` is the API's identifier, `secrets` are the project's secret keys. Raises ImproperlyConfigured if a value
    is wrong.
    """
    if unknown := set(algorithms) - FAMILIES.keys() - ALIASES.keys():
        raise ImproperlyConfigured(f"RESOURCE_SERVER['DPOP_ALGORITHMS'] must not contain {', '.join(sorted(unknown))}.")
    public_url = values["PUBLIC_URL"] or _origin(resource)
    if not algorithms or not public_url:
        if values["DPOP_REQUIRED"]:
            raise ImproperlyConfigured("RESOURCE_SERVER['DPOP_REQUIRED'] needs PUBLIC_URL and DPOP_ALGORITHMS.")
        return None
    parsed = target(public_url)
    if parsed is None or "?" in public_url or "#" in public_url:
        raise ImproperlyConfigured("RESOURCE_SERVER['PUBLIC_URL'] must be a URL such as 'https://api.example'.")
    window = values["DPOP_PROOF_SECONDS"]
    if window > LONGEST:
        raise ImproperlyConfigured(f"RESOURCE_SERVER['DPOP_PROOF_SECONDS'] must be at most {LONGEST} seconds.")
    nonces = Nonces(tuple(map(force_bytes, secrets))) if values["DPOP_NONCES"] else None
    return DPoPSettings(
        public_url=public_url.rstrip("/"),
        target=parsed,
        algorithms=tuple(algorithms),
        rules=Rules(frozenset(algorithms), float(window), nonces),
        required=values["DPOP_REQUIRED"],
        replay_cache=values["DPOP_REPLAY_CACHE"],
    )


def _origin(resource: str) -> str:
    """Return scheme, host and port of the API's identifier, or "" if it is not an http or https URL."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else ""
