"""The revocation feed: what is denied, signed, for every API to follow. It holds identifiers and nothing about people.

A compact JWS of type `revocations+jwt`. Its claims are `iss`, `iat`, `exp` and `denied`: lists by name, `jti` and
`grant` of identifiers with the Unix second until which they stay listed, `sub`, `client` and
`pair` (a client and a subject, a blank between them) of identifiers with [issued before, until], `kid` of revoked keys.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from tokens import conf
from tokens.keys.signers import Signer
from tokens.models import Denial, SigningKey
from tokens.oauth import jws

TYPE = "revocations+jwt"
MEDIA_TYPE = f"application/{TYPE}"
HOLDS = timedelta(minutes=10)

Denied = Mapping[str, object]


def denied(*, now: datetime) -> Denied:
    """The lists of the feed at `now`, the database's clock; empty ones are left out."""
    lists: dict[str, dict[str, object]] = {}
    for one in Denial.objects.filter(until__gt=now).order_by("kind", "identifier"):
        until = seconds(one.until)
        entry = until if one.issued_before is None else [seconds(one.issued_before), until]
        lists.setdefault(one.kind, {})[one.identifier] = entry
    kids = revoked_keys(now=now)
    return lists | ({"kid": kids} if kids else {})


def revoked_keys(*, now: datetime) -> list[str]:
    """The revoked keys of which a token may still live: those of the last `keep`, and a token's life before it."""
    policy = conf.issuer().key_policy
    since = now - policy.keep - policy.settles
    return list(SigningKey.objects.filter(revoked_at__gt=since).order_by("kid").values_list("kid", flat=True))


def entity_tag(lists: Denied) -> str:
    """The same for the same lists, whenever they were signed (RFC 9110 section 8.8.3, weak)."""
    return f'W/"{hashlib.sha256(json.dumps(lists, sort_keys=True).encode()).hexdigest()[:32]}"'


def sign(lists: Denied, *, signer: Signer, now: datetime) -> str:
    """The feed; it holds for ten minutes from `now`, and no longer than a token: for so long its key is published."""
    until = now + min(HOLDS, signer.max_lifetime)
    claims = {"iss": conf.issuer().url, "iat": int(now.timestamp()), "exp": int(until.timestamp())}
    return jws.sign(claims | {"denied": lists}, typ=TYPE, signer=signer)


def seconds(instant: datetime) -> int:
    """Unix seconds, rounded up: a denial lasts rather longer than shorter."""
    return -int(-instant.timestamp() // 1)
