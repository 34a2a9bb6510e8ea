"""Rotation on PostgreSQL with real processes."""

import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services
KEYS = "SELECT kid, signs_at IS NULL FROM tokens_signingkey ORDER BY kid"


def test_ten_first_runs_in_the_same_second_make_one_key_and_one_standby(issuer: Issuer) -> None:
    runs = [issuer.start("rotate_keys") for _ in range(10)]
    printed = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0] * 10, printed
    assert sorted(standby for _, standby in issuer.rows(KEYS)) == [False, True]
    assert sum(out.startswith("created") for out, _ in printed) == 1


def test_ten_hurried_runs_in_the_same_second_plan_one_switch(issuer: Issuer) -> None:
    issuer.run("rotate_keys")
    runs = [issuer.start("rotate_keys", "--now") for _ in range(10)]
    printed = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0] * 10, printed
    assert len(issuer.rows(KEYS)) == 3
    assert sum(out.startswith("planned") for out, _ in printed) == 1
    assert sum(out.startswith("already planned") for out, _ in printed) == 9
