"""Marks of tests that start processes.

`--dist loadgroup` (tests/distribution.py) runs each group in one worker, so that two workers never start the same
processes.
"""

import pytest

stack = (pytest.mark.processes, pytest.mark.xdist_group("stack"))
"""Tests of the shared stack (tests/flow/conftest.py)."""
run = (pytest.mark.processes, pytest.mark.xdist_group("run"))
"""Tests that start `make run` or many commands at once."""
serve = (pytest.mark.processes, pytest.mark.xdist_group("serve"))
"""Tests that start single servers."""
programs = (pytest.mark.processes,)
"""Tests that run short programs or commands as processes, each by itself."""
toolkit = (pytest.mark.processes, pytest.mark.xdist_group("toolkit"))
"""Tests of a project with django-oauth-toolkit, which processes fill (tests/tokens/handover/stock_project.py)."""
conformance = (pytest.mark.processes, pytest.mark.xdist_group("conformance"))
"""Tests of the issuer that `certification_setup` prepared (tests/conformance)."""
fapi2 = (pytest.mark.processes, pytest.mark.xdist_group("fapi2"))
"""The same, of the issuer that holds each client to FAPI 2.0."""
switches = (pytest.mark.processes, pytest.mark.xdist_group("switches"))
"""The same, of the issuer whose keys switch all the time."""
clients = (pytest.mark.clients, pytest.mark.processes)
"""Tests that run clients of other projects in environments of their own (tests/clients/recipes)."""
