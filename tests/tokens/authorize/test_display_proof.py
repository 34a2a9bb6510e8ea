"""The proof that the consent page displayed a text to a user: for which answer it is accepted, and how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing

from tokens.authorize import display_proof
from tokens.authorize.display_proof import SALT, TIME_TO_DECIDE
from tokens.issued.login import Login

NOW = datetime(2027, 1, 1, tzinfo=UTC)
LOGIN = Login(at=NOW - timedelta(hours=1), acr="1", amr=("pwd",))
DISPLAYED = {"displayed": "client_id=webapp\nnotes:read", "user": "ada", "login": LOGIN}
SECOND = timedelta(seconds=1)

OTHERS = {
    "another request": {"displayed": "client_id=other\nnotes:read"},
    "a further scope": {"displayed": "client_id=webapp\nnotes:read\nnotes:write"},
    "another user": {"user": "eve"},
    "a later login of the same user": {"login": replace(LOGIN, at=LOGIN.at + SECOND)},
}


def is_valid(proof, *, now=NOW, **changes):
    return display_proof.is_valid(proof, **DISPLAYED | changes, now=now)


@pytest.fixture
def proof():
    return display_proof.create(**DISPLAYED, now=NOW)


def test_the_proof_is_valid_for_what_was_displayed(proof):
    assert is_valid(proof)


@pytest.mark.parametrize("other", OTHERS)
def test_the_proof_is_not_valid_for_anything_else(proof, other):
    assert not is_valid(proof, **OTHERS[other])


def test_the_proof_is_valid_for_ten_minutes(proof):
    assert is_valid(proof, now=NOW + TIME_TO_DECIDE)
    assert not is_valid(proof, now=NOW + TIME_TO_DECIDE + SECOND)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        pytest.param(signing.dumps(["x"], salt="another"), id="signed for another purpose"),
        pytest.param(signing.dumps("x", salt=SALT), id="signed, but no list"),
    ],
)
def test_another_text_is_no_proof(forged):
    assert not is_valid(forged)
