"""The picture of the flow names the check that refused a token. The API's answer shows which check it was."""

import pytest

from examples.webapp.picture.checks import CHECKS, REASONS, judge
from resources.errors import Reason


def states(status: int, challenge: str = "") -> list[str]:
    return [check.state for check in judge(status, challenge)]


def test_each_reason_of_the_api_has_the_number_of_its_check() -> None:
    assert set(REASONS) == {reason.value for reason in Reason}


@pytest.mark.parametrize(("description", "number"), REASONS.items())
def test_checks_before_the_one_that_refused_passed_and_those_after_it_were_not_reached(
    description: str, number: int
) -> None:
    challenge = (
        f'Bearer realm="api", error="invalid_token", error_description="{description}", scope="a", DPoP algs="ES256"'
    )
    results = judge(401, challenge)
    assert [check.state for check in results] == ["passed"] * (number - 1) + ["refused"] + ["not reached"] * (
        9 - number
    )
    assert results[number - 1].reason == f"401 invalid_token: {description}"


@pytest.mark.parametrize(
    ("status", "error", "number"),
    [(403, "insufficient_scope", 9), (401, "insufficient_user_authentication", 9), (400, "invalid_request", 1)],
)
def test_an_error_without_a_reason_of_its_own_has_a_check_too(status: int, error: str, number: int) -> None:
    assert states(status, f'Bearer error="{error}"')[number - 1] == "refused"


def test_a_missing_scope_is_named_from_the_first_challenge() -> None:
    challenge = 'Bearer error="insufficient_scope", error_description="no", scope="notes:write", DPoP scope="other"'
    assert judge(403, challenge)[8].reason == "403 insufficient_scope: no (needed: notes:write)"


def test_a_success_passed_every_check() -> None:
    assert states(200) == states(201) == ["passed"] * len(CHECKS)


def test_a_request_without_a_token_fails_the_first_check() -> None:
    assert states(401, 'Bearer realm="api"')[0] == "refused"


@pytest.mark.parametrize(
    ("status", "challenge"),
    [(503, ""), (500, ""), (0, ""), (404, ""), (401, 'Bearer error="invalid_token", error_description="new reason"')],
)
def test_a_response_without_a_reason_leaves_each_check_unknown(status: int, challenge: str) -> None:
    assert states(status, challenge) == ["unknown"] * len(CHECKS)
