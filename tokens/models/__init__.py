"""The issuer's tables, a module for each group of tables.

Owns: columns, constraints, and the validation of a row by itself.
Does not own: transactions over several tables, or caches. Triggers (`triggers`) enforce rules that need the old row.
Steps: this package is none of the seven steps in README.md.
Neighbours: below every package that reads or writes rows. Other packages import a class from `tokens.models`.

Read in this order:
- `user`: users, and the `sub` of their tokens.
- `lifetimes`, `api`, `scope`: bounds of lifetimes; APIs; scopes and exchange policies.
- `client_choices`, `authentication_settings`, `token_settings`, `login_switches`, `logout_settings`, `client_claims`:
  parts of a client.
- `client`, `client_secret`: clients, and their secrets.
- `client_problems`, `fapi2`: what is wrong with a registration, in general and under the FAPI 2.0 Security Profile.
- `id_token_algorithm`: the algorithms that a client can choose for its ID tokens.
- `open_client`: clients that registered themselves, and initial access tokens.
- `request_push`: authorization requests that clients pushed.
- `consent`, `user_grant`, `device`: what users allowed, with codes and refresh tokens; device codes.
- `browser_session`: the sessions of users' browsers, as their users see them.
- `back_channel`: the clients of each login session, and the outbox of logout messages.
- `assertion`, `proof`: used client assertions and DPoP proofs, so that each is accepted once.
- `key`: key rings and signing keys.
- `revocation`, `registry`: revocations with their log; the registry's version.
- `audit`, `activity`: the audit trail; counts and dates for the admin's dashboard.
- `translation`: marks the texts of all tables for translation.
"""

from tokens.models import translation  # isort: skip  # noqa: F401 (first, to get the signal of each class below)
from tokens.models.activity import ClientActivity, DailyCount, JobRun
from tokens.models.api import Api
from tokens.models.assertion import UsedAssertion
from tokens.models.audit import AuditEvent
from tokens.models.back_channel import EndedSession, LogoutMessage, SessionClient
from tokens.models.browser_session import BrowserSession
from tokens.models.client import Client
from tokens.models.client_choices import AuthenticationMethod, GrantType, PkceRule, Registrar, SecurityProfile
from tokens.models.client_secret import ClientSecret
from tokens.models.consent import Consent
from tokens.models.device import DeviceCode
from tokens.models.key import Ring, SigningKey
from tokens.models.open_client import InitialAccessToken, OpenClient
from tokens.models.proof import UsedProof
from tokens.models.registry import RegistryVersion
from tokens.models.request_push import PushedRequest
from tokens.models.revocation import Publication, Revocation, RevocationLog, Segment, WaitingEntry
from tokens.models.scope import ExchangePolicy, Scope
from tokens.models.user import User
from tokens.models.user_grant import AuthorizationCode, RefreshToken, UserGrant

__all__ = [
    "Api",
    "AuditEvent",
    "AuthenticationMethod",
    "AuthorizationCode",
    "BrowserSession",
    "Client",
    "ClientActivity",
    "ClientSecret",
    "Consent",
    "DailyCount",
    "DeviceCode",
    "EndedSession",
    "ExchangePolicy",
    "GrantType",
    "InitialAccessToken",
    "JobRun",
    "LogoutMessage",
    "OpenClient",
    "PkceRule",
    "Publication",
    "PushedRequest",
    "RefreshToken",
    "Registrar",
    "RegistryVersion",
    "Revocation",
    "RevocationLog",
    "Ring",
    "Scope",
    "SecurityProfile",
    "Segment",
    "SessionClient",
    "SigningKey",
    "UsedAssertion",
    "UsedProof",
    "User",
    "UserGrant",
    "WaitingEntry",
]
