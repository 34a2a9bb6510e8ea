"""The issuer's tables, one file per thing: user, client and secrets, API and scopes, audit, ring and signing keys."""

from tokens.models.api import Api, ExchangePolicy, Scope
from tokens.models.assertion import UsedAssertion
from tokens.models.audit import AuditEvent
from tokens.models.client import AuthenticationMethod, Client, ClientSecret, GrantType
from tokens.models.consent import Consent
from tokens.models.device import DeviceCode
from tokens.models.grant import AuthorizationCode, RefreshToken, UserGrant
from tokens.models.key import Ring, SigningKey
from tokens.models.registry import RegistryVersion
from tokens.models.revocation import Publication, Revocation, RevocationLog, Segment, WaitingEntry
from tokens.models.user import User

__all__ = [
    "Api",
    "AuditEvent",
    "AuthenticationMethod",
    "AuthorizationCode",
    "Client",
    "ClientSecret",
    "Consent",
    "DeviceCode",
    "ExchangePolicy",
    "GrantType",
    "Publication",
    "RefreshToken",
    "RegistryVersion",
    "Revocation",
    "RevocationLog",
    "Ring",
    "Scope",
    "Segment",
    "SigningKey",
    "UsedAssertion",
    "User",
    "UserGrant",
    "WaitingEntry",
]
