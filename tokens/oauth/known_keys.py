"""The keys by which a token is inspected: every one that this issuer ever had, or those that another publishes."""

from datetime import datetime
from urllib.parse import urlsplit

from tokens import conf, fetch
from tokens.fetch import FetchError
from tokens.keys import lifecycle, store
from tokens.models import Ring
from tokens.oauth.inspection import Key


def own(*, now: datetime) -> dict[str, Key]:
    """By kid: every key of every ring, withdrawn and revoked ones too, with its phase at `now` (the database's)."""
    found, encryption_keys = {}, conf.issuer().encryption_keys()
    for name in Ring.objects.order_by("name").values_list("name", flat=True):
        stored = store.load(name)
        dates = [one.key for one in stored]
        for one in stored:
            if not one.verifies(encryption_keys):
                continue  # written by somebody else
            phase = lifecycle.phase(one.key, dates, now=now).value
            found[one.key.kid] = Key(one.jwk, f"{phase}, ring {name}")
    return found


def foreign(issuer: str, *, allow_private: bool) -> dict[str, Key]:
    """By kid: the keys that `issuer` publishes, found through its metadata (RFC 8414); raises FetchError."""
    metadata = _metadata(issuer, allow_private=allow_private)
    if metadata.get("issuer") != issuer:
        raise FetchError(f"its metadata says that it is {metadata.get('issuer')!r} (RFC 8414 section 3.3)")
    jwks_uri = metadata.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise FetchError("its metadata names no jwks_uri")
    document = fetch.get_json(jwks_uri, allow_private=allow_private)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise FetchError("its JWKS has no keys")
    return {str(entry.get("kid", "")): Key(entry) for entry in entries if isinstance(entry, dict)}


def _metadata(issuer: str, *, allow_private: bool) -> dict[str, object]:
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    inserted = parts._replace(path=f"/.well-known/oauth-authorization-server{path}", query="", fragment="").geturl()
    failure: FetchError | None = None
    for url in (inserted, f"{issuer.rstrip('/')}/.well-known/openid-configuration"):
        try:
            document = fetch.get_json(url, allow_private=allow_private)
        except FetchError as error:
            failure = failure or error
            continue
        if isinstance(document, dict):
            return document
    raise failure or FetchError("its metadata is no JSON object")
