"""The settings for clients that no operator registered. Pure.

- Such a client has a client ID metadata document or uses dynamic registration. Both are off by default
  (docs/open-clients.md).
- A self-registered client gets the scopes, APIs and grant types of these settings, and no others.
- `tokens.conf` reads the settings, and calls `parse`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

GRANT_TYPES = ("authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code")
"""The grant types that the settings can give self-registered clients: those in which a user allows the client."""
DEFAULTS: Mapping[str, Any] = {
    # True: a client_id can be the https URL of a client ID metadata document.
    "CLIENT_ID_METADATA_DOCUMENTS": False,
    # Hosts whose documents are fetched; ".example.com" stands for all hosts of the domain. If empty: all public hosts.
    "CLIENT_DOCUMENT_HOSTS": (),
    # Hosts whose documents are refused even if CLIENT_DOCUMENT_HOSTS has them, in the form of CLIENT_DOCUMENT_HOSTS.
    "CLIENT_DOCUMENT_DENIED_HOSTS": (),
    # True: documents may also be on loopback, by http. Without DEBUG, the issuer does not start with this setting.
    "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS": False,
    # Who may register clients at /oauth/register: "off", "token" (with an initial access token), or "open" (anyone).
    "DYNAMIC_REGISTRATION": "off",
    # The scopes, APIs and grant types of clients with a document and of dynamically registered clients.
    "OPEN_CLIENT_SCOPES": (),
    "OPEN_CLIENT_APIS": (),
    "OPEN_CLIENT_GRANT_TYPES": ("authorization_code", "refresh_token"),
}


class RegistrationMode(Enum):
    """The condition for dynamic registration: never, with an initial access token, or always (RFC 7591 section 3)."""

    OFF = "off"
    TOKEN = "token"  # noqa: S105 (a mode's name)
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClientSettings:
    """The settings of client ID metadata documents and of dynamic registration."""

    documents: bool
    """True if client ID metadata documents are accepted."""
    hosts: tuple[str, ...]
    denied_hosts: tuple[str, ...]
    loopback_documents: bool
    """True if documents may be on loopback, which is possible in development only."""
    registration: RegistrationMode
    scopes: frozenset[str]
    apis: frozenset[str]
    grant_types: tuple[str, ...]

    def permits_host(self, host: str) -> bool:
        """Return True if the issuer accepts client ID metadata documents of this host."""
        if any(covers(entry, host) for entry in self.denied_hosts):
            return False
        return not self.hosts or any(covers(entry, host) for entry in self.hosts)


def parse(values: Mapping[str, Any], *, debug: bool) -> OpenClientSettings:
    """Parse `values`. Raises ValueError if a value is malformed, or is for development only and `debug` is False."""
    loopback = bool(values["DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS"])
    if loopback and not debug:
        raise ValueError(
            "DEVELOPMENT_ONLY_LOOPBACK_CLIENT_DOCUMENTS needs DEBUG: in production it would let strangers send requests"
            " to this machine. Remove it."
        )
    try:
        mode = RegistrationMode(values["DYNAMIC_REGISTRATION"])
    except ValueError:
        raise ValueError("DYNAMIC_REGISTRATION must be off, token or open.") from None
    grant_types = tuple(values["OPEN_CLIENT_GRANT_TYPES"])
    if unknown := set(grant_types) - set(GRANT_TYPES):
        raise ValueError(
            f"OPEN_CLIENT_GRANT_TYPES cannot have {', '.join(sorted(unknown))}; possible are {', '.join(GRANT_TYPES)}."
        )
    return OpenClientSettings(
        documents=bool(values["CLIENT_ID_METADATA_DOCUMENTS"]),
        hosts=hosts("CLIENT_DOCUMENT_HOSTS", values),
        denied_hosts=hosts("CLIENT_DOCUMENT_DENIED_HOSTS", values),
        loopback_documents=loopback,
        registration=mode,
        scopes=frozenset(values["OPEN_CLIENT_SCOPES"]),
        apis=frozenset(values["OPEN_CLIENT_APIS"]),
        grant_types=grant_types,
    )


def hosts(name: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hosts in the setting `name`, in lower case. Raises ValueError if an entry is not a host.

    The entry `.app.example` means the host app.example and all its subdomains. A URL is refused.
    """
    entries: Sequence[str] = values[name]
    if wrong := [entry for entry in entries if not entry.strip(".") or set(entry) & set("/:*@ ")]:
        raise ValueError(
            f"{name} must have hosts such as app.example, or .example for a domain and its hosts, not {wrong[0]!r}."
        )
    return tuple(entry.lower() for entry in entries)


def covers(entry: str, host: str) -> bool:
    """Return True if `entry` is this host, or is a domain with a leading dot, such as `.example`, that has this host.

    A domain has itself (`example`) and its subdomains as hosts.
    """
    return host == entry or (entry.startswith(".") and (host.endswith(entry) or host == entry[1:]))
