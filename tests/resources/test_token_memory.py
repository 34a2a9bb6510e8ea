"""An API's memory of verified tokens.

A repeated token needs no signature check, and is refused as soon as `verify` would refuse it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from resources.errors import InvalidToken, Reason
from resources.issuer_trust import TrustedIssuer
from resources.jose import jwk
from resources.jose.jwk import Key
from resources.keysets.key_pins import PinnedKeys
from resources.revocations.refusals import Refusals
from resources.testing import bearer, mint, pinned
from resources.token_memory import LASTS, Expected, TokenMemory
from resources.verify import ACCESS_TOKEN, ANY_JWT
from tests.resources.test_verify import ISSUER, NOW, RSA, UNTRUSTED, US, keys, token, trust

STEP = timedelta(seconds=1)


class World:
    """An issuer whose keys and refusals a test can change, and the memory of an API."""

    def __init__(self) -> None:
        self.keys, self.refused, self.memory = keys(), Refusals(), TokenMemory(size=4)
        self.issuer = self.trusted()

    def trusted(self) -> TrustedIssuer:
        return trust(keys=self, refusals=lambda _now: self.refused)

    def find(self, kid: str, algorithm: str) -> Sequence[Key]:
        return self.keys.find(kid, algorithm)

    def recheck(self) -> None:
        pass

    def verified(self, text: str, *, after: timedelta = timedelta(), **changes: Any) -> Any:
        expected: dict[str, Any] = {
            "issuers": {ISSUER: self.issuer},
            "audience": frozenset({US}),
            "types": ACCESS_TOKEN,
        }
        with_proof = changes.pop("with_proof", False)
        return self.memory.verified(text, Expected(**(expected | changes)), now=NOW + after, with_proof=with_proof)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list. The algorithm of each signature check is appended to it."""
    made: list[str] = []
    verifies = Key.verifies

    def counted(key: Key, algorithm: str, message: bytes, signature: bytes) -> bool:
        made.append(algorithm)
        return verifies(key, algorithm, message, signature)

    monkeypatch.setattr(jwk.Key, "verifies", counted)
    return made


def test_a_cached_token_costs_no_signature_check_and_is_the_same(world: World, checks: list[str]) -> None:
    first = world.verified(token())
    number = len(checks)
    again = world.verified(token(), after=LASTS - STEP)
    assert len(checks) == number > 0
    assert (again.claims, again.kid, again.scopes, again.raw) == (first.claims, first.kid, first.scopes, first.raw)


@pytest.mark.parametrize("after", [LASTS, -STEP])
def test_after_its_time_and_after_the_clock_was_set_back_it_is_verified_again(
    world: World, checks: list[str], after: timedelta
) -> None:
    world.verified(token())
    number = len(checks)
    world.verified(token(), after=after)
    assert len(checks) > number


def revoke(world: World) -> None:
    world.refused = Refusals(tokens=frozenset({"one"}))


def withdraw_key(world: World) -> None:
    world.keys = keys(UNTRUSTED)


Case = tuple[Callable[[World], object], dict[str, Any], Reason]
REFUSED: dict[str, Case] = {
    "revoked": (revoke, {}, Reason.REVOKED),
    "key withdrawn": (withdraw_key, {}, Reason.KEY),
    "another audience": (lambda _: None, {"audience": frozenset({"https://other.example/"})}, Reason.AUDIENCE),
    "with a proof": (lambda _: None, {"with_proof": True}, Reason.UNBOUND),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_token_that_was_accepted_is_refused_at_once_when_that_changes(world: World, name: str) -> None:
    change, arguments, reason = REFUSED[name]
    world.verified(token())
    change(world)
    with pytest.raises(InvalidToken) as refusal:
        world.verified(token(), **arguments)
    assert refusal.value.reason is reason


def test_a_token_is_refused_from_its_exp_on(world: World) -> None:
    short = token(exp=int(NOW.timestamp()) + 5)
    world.verified(short, after=timedelta(seconds=34))  # the leeway is 30 s
    with pytest.raises(InvalidToken) as refusal:
        world.verified(short, after=timedelta(seconds=35))
    assert refusal.value.reason is Reason.EXPIRED


@pytest.mark.parametrize("change", ["keys", "types", "issuer"])
def test_a_token_is_verified_again_if_keys_settings_or_issuer_changed(
    world: World, checks: list[str], change: str
) -> None:
    world.verified(token())
    number, types = len(checks), ACCESS_TOKEN
    if change == "keys":
        world.keys = keys()
    elif change == "types":
        types = ANY_JWT
    else:
        world.issuer = world.trusted()
    world.verified(token(), types=types)
    assert len(checks) > number


def test_a_token_is_refused_if_its_key_is_withdrawn_and_another_key_has_the_same_kid(world: World) -> None:
    twin, own = keys(replace(UNTRUSTED, kid=RSA.kid)).verdicts[0], keys(RSA).verdicts[0]
    world.keys = PinnedKeys([twin, own])
    world.verified(token())
    world.keys = PinnedKeys([twin])
    with pytest.raises(InvalidToken) as refusal:
        world.verified(token())
    assert refusal.value.reason is Reason.SIGNATURE


def test_another_text_and_a_refused_one_are_not_taken_for_it(world: World) -> None:
    world.verified(token())
    head, payload, _ = token().split(".")
    forged = f"{head}.{payload}.{token(UNTRUSTED).rpartition('.')[2]}"
    for _ in range(2):
        with pytest.raises(InvalidToken) as refusal:
            world.verified(forged)
        assert refusal.value.reason is Reason.SIGNATURE
    assert len(world.memory) == 1


def test_a_view_that_changes_a_claim_changes_no_later_request(world: World) -> None:
    text = token(amr=["pwd"], act={"sub": "service"})
    for _ in range(3):
        claims = world.verified(text).claims
        assert (claims["amr"], claims["act"]) == (["pwd"], {"sub": "service"})
        claims["amr"].append("otp")
        claims["act"]["sub"] = "other"


def test_the_memory_is_bounded_and_keeps_no_text(world: World) -> None:
    texts = [token(jti=str(number)) for number in range(20)]
    for text in texts:
        world.verified(text)
    assert len(world.memory) == 8
    assert not any(text in repr(vars(world.memory)) for text in texts)


def test_a_token_stays_cached_while_size_further_tokens_are_added(world: World, checks: list[str]) -> None:
    world.verified(token())
    for number in range(4):
        world.verified(token(jti=str(number)))
    number = len(checks)
    world.verified(token())
    assert len(checks) == number


@pytest.mark.parametrize(("setting", "repeated"), [(True, 0), (False, 1)])
def test_the_setting_turns_it_off(client: Any, checks: list[str], *, setting: bool, repeated: int) -> None:
    with pinned(REMEMBER_TOKENS=setting):
        text = mint("notes:read")
        assert client.get("/api/whoami/", headers=bearer(text)).status_code == 200
        checks.clear()
        assert client.get("/api/whoami/", headers=bearer(text)).status_code == 200
    assert len(checks) == repeated
