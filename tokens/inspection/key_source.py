"""The keys for inspecting a token: present and past keys of this issuer, or published keys of another issuer."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from tokens import outbound
from tokens.inspection.report import Inspection
from tokens.inspection.requirements import Point, is_text
from tokens.inspection.signature_trial import VERIFIED, VerificationKey
from tokens.issued import revocation_record
from tokens.jose.compact import is_instant
from tokens.keys import store
from tokens.keys.rules import lifecycle
from tokens.languages import sentence
from tokens.models import Ring
from tokens.outbound import FetchError


def of_this_issuer(*, now: datetime) -> list[VerificationKey]:
    """Return the keys of all key rings with their phases, also withdrawn and revoked keys.

    `now` is the current time of the database's clock.
    """
    keys = []
    for name in Ring.objects.order_by("name").values_list("name", flat=True):
        rows = store.ours(name)
        dates = [row.key for row in rows]
        for row in rows:
            phase = lifecycle.phase(row.key, dates, now=now)
            keys.append(
                VerificationKey(
                    row.jwk,
                    sentence("{phase}, ring {ring}", phase=phase, ring=name),
                    is_published=phase in lifecycle.PUBLISHED,
                )
            )
    return keys


def with_revocation(inspection: Inspection) -> Inspection:
    """Check if an inspected token of this issuer is revoked. Return the report with this result as an additional point.

    Returns the report unchanged if the signature does not verify, or if a claim that the check needs is malformed.
    """
    claims = inspection.claims
    is_identified = all(is_text(claims.get(name)) for name in ("jti", "sub", "client_id"))
    if inspection.signature != VERIFIED or not is_identified or not is_instant(claims.get("iat")):
        return inspection
    revoked = revocation_record.is_revoked(claims, kid=str(inspection.header.get("kid", "")))
    point = Point(
        sentence("it is not revoked"),
        "RFC 7009",
        holds=not revoked,
        detail=sentence("in the revocation feed") if revoked else sentence("no"),
    )
    return replace(inspection, points=[*inspection.points, point])


def foreign(issuer: str, *, allow_private: bool) -> list[VerificationKey]:
    """Fetch the keys that `issuer` publishes, by the `jwks_uri` of its metadata (RFC 8414 section 3).

    `allow_private` permits addresses in private networks, for development. Raises FetchError if a request fails, if the
    metadata is another issuer's or has no `jwks_uri`, or if the document at `jwks_uri` is not a JWKS.
    """
    metadata = _metadata(issuer, allow_private=allow_private)
    # Otherwise one issuer could present the metadata of another as its own.
    if metadata.get("issuer") != issuer:
        raise FetchError(f"the metadata is that of another issuer, {metadata.get('issuer')!r} (RFC 8414 section 3.3)")
    jwks_uri = metadata.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise FetchError("the metadata has no jwks_uri")
    document = outbound.get_json(jwks_uri, allow_private=allow_private)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FetchError("the document at jwks_uri is not a JWKS: it has no array keys")
    return [VerificationKey(entry) for entry in entries if isinstance(entry, dict)]


def _metadata(issuer: str, *, allow_private: bool) -> dict[str, object]:
    """Fetch the metadata at the address of RFC 8414, or else at the address of OpenID Connect Discovery.

    Raises FetchError if `issuer` is malformed, or if neither address answers with a JSON object.
    """
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
    raise failure or FetchError("the metadata is not a JSON object")
