"""Key rotation on PostgreSQL: several processes of rotate_keys at once, and steps that exceed `clock_error`."""

from dataclasses import replace

import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services
KEYS = "SELECT kid, signs_at IS NULL FROM tokens_signingkey ORDER BY kid"


def test_ten_first_runs_in_the_same_second_make_one_key_and_one_standby(issuer: Issuer) -> None:
    runs = [issuer.start("rotate_keys") for _ in range(10)]
    printed = [run.communicate(timeout=600) for run in runs]
    assert [run.returncode for run in runs] == [0] * 10, printed
    assert sorted(standby for _, standby in issuer.rows(KEYS)) == [False, True]
    assert sum(out.startswith("created") for out, _ in printed) == 1


def test_ten_early_rotations_in_the_same_second_plan_one_switch(issuer: Issuer) -> None:
    issuer.run("rotate_keys")
    runs = [issuer.start("rotate_keys", "--now") for _ in range(10)]
    printed = [run.communicate(timeout=600) for run in runs]
    assert [run.returncode for run in runs] == [0] * 10, printed
    assert len(issuer.rows(KEYS)) == 3
    assert sum(out.startswith("planned") for out, _ in printed) == 1
    assert sum(out.startswith("already planned") for out, _ in printed) == 9


STUCK = """
import time
from django.db import connection
from tokens import conf
from tokens.keys.lock import hold
from tests.tokens.factories import operation
with hold(operation(policy=conf.issuer().key_policy), "default"):
    {stuck}
"""


@pytest.mark.parametrize("stuck", ["time.sleep(4)", "connection.cursor().execute('SELECT pg_sleep(4)')"])
def test_the_database_itself_ends_a_step_that_takes_longer_than_the_clock_error(issuer: Issuer, stuck: str) -> None:
    quick = replace(issuer, variables=issuer.variables | {"KEY_TIMINGS": "clock_error=1"})
    quick.run("rotate_keys")
    standing = quick.start("shell", "-c", STUCK.format(stuck=stuck))
    _, err = standing.communicate(timeout=600)
    assert standing.returncode != 0
    assert "tokens.keys.errors.Unsafe: the step took too long to keep its dates: longer than clock_error (δ)" in err
    assert quick.run("rotate_keys").startswith("nothing due"), "and holds the ring no longer"
