"""The keys by which a token is inspected: every one that this issuer ever had, or those that another publishes."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from tokens import outbound
from tokens.inspection.report import Inspection, Point, is_text
from tokens.inspection.signature_trial import VERIFIED, VerificationKey
from tokens.issued import revocation_record
from tokens.jose.compact import is_instant
from tokens.keys import store
from tokens.keys.rules import lifecycle
from tokens.models import Ring
from tokens.outbound import FetchError


def own(*, now: datetime) -> list[VerificationKey]:
    """Every key of every ring, withdrawn and revoked ones too, with its phase at `now` (the database's)."""
    found = []
    for name in Ring.objects.order_by("name").values_list("name", flat=True):
        stored = store.ours(name)
        dates = [one.key for one in stored]
        for one in stored:
            phase = lifecycle.phase(one.key, dates, now=now)
            found.append(
                VerificationKey(one.jwk, f"{phase.value}, ring {name}", is_published=phase in lifecycle.PUBLISHED)
            )
    return found


def with_revocation(found: Inspection) -> Inspection:
    """Return the inspection of a token of our own, with whether it is revoked."""
    named = all(is_text(found.claims.get(name)) for name in ("jti", "sub", "client_id"))
    if found.signature != VERIFIED or not named or not is_instant(found.claims.get("iat")):
        return found
    revoked = revocation_record.is_revoked(found.claims, kid=str(found.header.get("kid", "")))
    point = Point(
        "it is not revoked", "RFC 7009", holds=not revoked, told="in the revocation feed" if revoked else "no"
    )
    return replace(found, points=[*found.points, point])


def foreign(issuer: str, *, allow_private: bool) -> list[VerificationKey]:
    """The keys that `issuer` publishes, found through its metadata (RFC 8414); raises FetchError."""
    metadata = _metadata(issuer, allow_private=allow_private)
    if metadata.get("issuer") != issuer:
        raise FetchError(f"its metadata says that it is {metadata.get('issuer')!r} (RFC 8414 section 3.3)")
    jwks_uri = metadata.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise FetchError("its metadata names no jwks_uri")
    document = outbound.get_json(jwks_uri, allow_private=allow_private)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FetchError("its JWKS has no keys")
    return [VerificationKey(entry) for entry in entries if isinstance(entry, dict)]


def _metadata(issuer: str, *, allow_private: bool) -> dict[str, object]:
    try:
        parts = urlsplit(issuer)
    except ValueError:
        raise FetchError("the address is malformed") from None
    path = parts.path.rstrip("/")
    inserted = parts._replace(path=f"/.well-known/oauth-authorization-server{path}", query="", fragment="").geturl()
    failure: FetchError | None = None
    for url in (inserted, f"{issuer.rstrip('/')}/.well-known/openid-configuration"):
        try:
            document = outbound.get_json(url, allow_private=allow_private)
        except FetchError as error:
            failure = failure or error
            continue
        if isinstance(document, dict):
            return document
    raise failure or FetchError("its metadata is no JSON object")
