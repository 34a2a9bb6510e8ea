"""The hooks in tests/conftest.py that save time: garbage collection, and the stored bytecode of test modules."""

import gc
import sys


def test_the_collector_is_on_and_does_not_walk_through_the_collected_tests():
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000


def test_the_rewritten_assertions_of_a_test_module_are_kept():
    assert not sys.dont_write_bytecode
