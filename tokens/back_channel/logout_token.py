"""The logout token: tells a client which session of which user ended (Back-Channel Logout 1.0 section 2.4).

The token has the type `logout+jwt` and no `nonce`, so that no party takes it for an ID token or an access token
(section 4.1). The key ring that signs the client's ID tokens signs its logout tokens, too.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens import conf
from tokens.issued import jws
from tokens.keys import keyring
from tokens.keys.key_pair import Signer
from tokens.models import LogoutMessage

TYPE = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutToken:
    """The content of a logout token, before it is signed."""

    issuer: str
    client_id: str
    issued_at: datetime
    token_id: str
    sid: str
    subject: str
    """The user's `sub`; "" if the token names the session only."""

    def claims(self, *, lifetime: timedelta) -> dict[str, object]:
        """Return the claims of the token (Back-Channel Logout 1.0 section 2.4). `exp` is `lifetime` after `iat`."""
        issued_at = int(self.issued_at.timestamp())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": issued_at,
            "exp": issued_at + int(lifetime.total_seconds()),
            "jti": self.token_id,
            "events": {EVENT: {}},
            "sid": self.sid,
        }
        return claims | ({"sub": self.subject} if self.subject else {})


def for_message(message: LogoutMessage, *, token_id: str, now: datetime) -> str:
    """Return a signed logout token for the message. Raises NotReady if no key may sign.

    If the client's switch "logout by session only" is on, the token has a `sid` and no `sub`.
    """
    # Some libraries end all sessions of a `sub`.
    client = message.client
    token = LogoutToken(
        issuer=conf.issuer().url,
        client_id=client.client_id,
        issued_at=now,
        token_id=token_id,
        sid=message.sid,
        subject="" if client.backchannel_logout_session_required else message.sub,
    )
    return mint(token, signer=keyring.for_client(client.id_token_signed_response_alg, now=now).signer)


def new_id() -> str:
    """Return a new `jti`.

    Each delivery attempt needs a new one: a client may refuse a `jti` that it got before (Back-Channel Logout 1.0
    section 2.6).
    """
    return uuid.uuid4().hex


def mint(token: LogoutToken, *, signer: Signer) -> str:
    """Return the signed logout token. It expires after LIFETIME, or after the signer's `max_lifetime` if shorter."""
    return jws.sign(token.claims(lifetime=min(LIFETIME, signer.max_lifetime)), typ=TYPE, signer=signer)
