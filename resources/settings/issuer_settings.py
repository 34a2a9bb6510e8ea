"""The settings for each issuer: the entries of RESOURCE_SERVER['ISSUERS']."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ..jose.jwk import FAMILIES, Verdict, read_jwks
from .defaults import ISSUER_DEFAULTS
from .entry_types import ISSUER_TYPES
from .entry_values import complete, strings


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """The settings for one trusted issuer: its URL, its accepted algorithms, its keys and its revocation feed."""

    url: str
    algorithms: frozenset[str]
    jwks_url: str
    pinned_keys: tuple[Verdict, ...] | None
    """The verdicts on the keys that are used instead of keys from the network, or None if no keys are pinned."""
    revocations_url: str


def issuer_settings(entry: Mapping[str, Any], values: Mapping[str, Any]) -> IssuerSettings:
    """Return the typed settings for one issuer.

    `entry` is the issuer's entry in ISSUERS. Values that the entry lacks are taken from `values`, the entries of
    RESOURCE_SERVER. Raises ImproperlyConfigured if `entry` has no URL, an unknown name or a value of another type, or
    if PINNED_JWKS cannot be read or has no usable key.
    """
    own = complete(entry, ISSUER_DEFAULTS, ISSUER_TYPES, "RESOURCE_SERVER['ISSUERS']")
    if not own["URL"]:
        raise ImproperlyConfigured("RESOURCE_SERVER['ISSUERS'] has an entry without URL. Add the URL of the issuer.")
    revocations = values["REVOCATIONS"] if own["REVOCATIONS"] is None else own["REVOCATIONS"]
    jwks_url = own["JWKS_URL"] or values["JWKS_URL"]
    if revocations is True:
        revocations = _feed(own["URL"].rstrip("/"), jwks_url)
    algorithms = frozenset(strings(values["ALGORITHMS"] if own["ALGORITHMS"] is None else own["ALGORITHMS"]))
    pinned = None if own["PINNED_JWKS"] is None else _document(own["PINNED_JWKS"])
    return IssuerSettings(
        url=own["URL"],
        algorithms=algorithms,
        jwks_url=jwks_url,
        pinned_keys=None if pinned is None else _pinned_keys(pinned, own["URL"], algorithms),
        revocations_url=revocations or "",
    )


def _feed(issuer: str, jwks_url: str) -> str:
    """Return the URL of the revocation feed that is signed by the keys at `jwks_url`.

    Returns the feed of a ring (a set of signing keys) if `jwks_url` is the JWKS of this ring, else the issuer's default
    feed.
    """
    # Each ring of signing keys signs a feed of its own. An API that uses the JWKS of a ring can verify only that feed.
    ring = jwks_url.removeprefix(f"{issuer}/.well-known/jwks/").removesuffix(".json")
    own_ring = ring and jwks_url == f"{issuer}/.well-known/jwks/{ring}.json" and "/" not in ring
    return f"{issuer}/oauth/revocations" + (f"/{ring}" if own_ring else "")


def _document(pinned: str | PathLike[str] | Mapping[str, Any]) -> bytes:
    """Return the JWKS document of the entry PINNED_JWKS. `pinned` is a JWKS, or the path of a file that has one.

    Raises ImproperlyConfigured if the JWKS cannot be written as JSON, or if the file is empty or cannot be read.
    """
    try:
        document = json.dumps(pinned).encode() if isinstance(pinned, Mapping) else Path(pinned).read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f"The file of PINNED_JWKS cannot be read: {error.strerror}.") from error
    except (TypeError, ValueError) as error:  # such as a NUL in the path
        raise ImproperlyConfigured(f"PINNED_JWKS cannot be read: {error}.") from error
    if not document.strip():
        raise ImproperlyConfigured("The file of PINNED_JWKS is empty.")
    return document


def _pinned_keys(document: bytes, url: str, algorithms: frozenset[str]) -> tuple[Verdict, ...]:
    """Return the verdicts on the pinned keys of the issuer `url`, whose accepted algorithms are `algorithms`.

    Raises ImproperlyConfigured if the document is not a JWKS, or has no usable key.
    """
    try:
        verdicts = tuple(read_jwks(document, algorithms=algorithms & FAMILIES.keys()))
    except ValueError as error:
        raise _refused(url, str(error)) from error
    # With wrong ALGORITHMS, the check E005 reports them, because the keys might be right.
    if FAMILIES.keys() >= algorithms > set() and not any(verdict.key for verdict in verdicts):
        first = verdicts[0].problem if verdicts else ""
        raise _refused(url, f"no key is usable (the first: {first})" if first else "it has no keys")
    return verdicts


def _refused(url: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"PINNED_JWKS of {url} is refused: {reason}. Pin a JWKS with public keys for its ALGORITHMS, or remove the"
        " entry to fetch the keys."
    )


def issuer_entries(issuers: Sequence[str | Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the entries of ISSUERS as dictionaries. An entry in the settings can also be a URL.

    Returns no entries if `issuers` is an empty string, so that the check E002 reports the empty setting.
    """
    if isinstance(issuers, str):
        issuers = [issuers] if issuers else []
    return [{"URL": entry} if isinstance(entry, str) else entry for entry in issuers]
