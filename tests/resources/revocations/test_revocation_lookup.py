"""The look-up of a token in a set of revocations agrees with docs/revocation-feed.md.

Hashes that it caches for one set are not used for another set.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from resources.revocations import revocation_lookup
from resources.revocations.refusals import Refusals
from resources.revocations.revocation_key import key
from resources.revocations.revocation_lookup import Lookup
from resources.revocations.revocation_set import EMPTY, LAYOUT, RevocationSet

NOW, LATE = 1_800_000_000, 1_900_000_000
COARSE = ("sub", "iss", "client", "client_sub")


def of(*entries: tuple[str, str, int]) -> RevocationSet:
    packed = b"".join(LAYOUT.pack(key(kind, name), LATE, before) for kind, name, before in entries)
    return EMPTY.merged(packed, now=NOW)


def keys(kid: str, claims: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the identifier and the claim of each entry that would revoke the token.

    docs/revocation-feed.md section 1 lists the kinds.
    """
    yield from (("kid", kid, "kid"), ("jti", claims["jti"], "jti"), ("sub", claims["sub"], "sub"))
    yield ("iss", claims["iss"], "iss")
    if "grant_id" in claims:
        yield ("grant", claims["grant_id"], "grant_id")
    clients, act = [claims["client_id"]], claims.get("act")
    while act:
        clients.append(act["sub"])
        act = act.get("act")
    for client in clients:
        yield ("client", client, "client_id")
        yield ("client_sub", f"{client}\0{claims['sub']}", "client_id")


def a_token(chance: random.Random) -> tuple[str, dict[str, Any]]:
    def name(kind: str) -> str:
        return f"{kind}{chance.randrange(3)}"

    claims = {claim: name(claim) for claim in ("jti", "sub", "iss", "client_id")}
    claims |= {"grant_id": name("g")} if chance.randrange(2) else {}
    act: dict[str, Any] = {}
    for _ in range(chance.randrange(3)):
        act = {"sub": name("client_id"), **({"act": act} if act else {})}
    return name("kid"), {**claims, "iat": NOW - chance.randrange(4), **({"act": act} if act else {})}


@pytest.mark.parametrize("seed", range(60))
def test_a_token_is_revoked_if_an_entry_of_one_of_its_keys_covers_it(seed: int) -> None:
    chance = random.Random(seed)
    tokens = [a_token(chance) for _ in range(60)]
    listed = [entry for kid, claims in tokens[:40] for entry in keys(kid, claims)]
    chosen = {entry[:2] for entry in chance.sample(listed, 4)}
    entries = of(
        *((kind, name, (NOW - chance.randrange(3)) if kind in COARSE else 0) for kind, name in sorted(chosen)),
    )
    lookup = Lookup(entries)
    for kid, claims in tokens:
        covering = {claim for kind, name, claim in keys(kid, claims) if entries.covers(key(kind, name), claims["iat"])}
        claim = lookup.revoked(kid, claims)
        assert claim in covering if covering else claim == ""


CLAIMS = {"iss": "i", "jti": "t", "sub": "u", "client_id": "c", "iat": NOW - 1}


@pytest.mark.parametrize("kind", ["kid", "iss", "client"])
def test_the_cache_of_one_set_does_not_affect_another_set(kind: str) -> None:
    other = of(("sub", "another", NOW))
    entry = {"kid": ("kid", "k", 0), "iss": ("iss", "i", NOW), "client": ("client", "c", NOW)}[kind]
    for _ in range(2):
        assert Refusals(other).reason("k", CLAIMS) == ""
        assert Refusals(of(entry)).reason("k", CLAIMS) != ""


def test_the_cache_is_bounded_and_correct_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_lookup, "REMEMBERED", 10)
    lookup = Lookup(of(("client", "c7", NOW), ("kid", "k3", 0)))
    for number in list(range(25)) * 2:
        assert lookup.revoked("k", CLAIMS | {"client_id": f"c{number}"}) == ("client_id" if number == 7 else "")
        assert lookup.revoked(f"k{number}", CLAIMS) == ("kid" if number == 3 else "")
        assert max(len(lookup._client), len(lookup._key)) <= 10


def test_a_name_with_half_a_surrogate_pair_has_a_key() -> None:
    lookup = Lookup(of(("jti", "\ud800", 0)))
    assert lookup.revoked("k", CLAIMS | {"jti": "\ud800"}) == "jti"
    assert lookup.revoked("k", CLAIMS | {"jti": "\ud801"}) == ""
