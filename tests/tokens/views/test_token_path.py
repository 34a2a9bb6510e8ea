"""How much code of the issuer one client_credentials request runs.

The tests count modules, switches between modules, and the depth of calls. A switch is a call from one module of the
issuer into another. Properties, comprehensions and lambdas count as part of the function that uses them. The middleware
in front of the views is left out.
"""

import sys
from pathlib import Path
from types import CodeType, FunctionType

import pytest

import tokens
from tests.tokens.factories import basic, operation, post
from tokens.keys import rotation

pytestmark = pytest.mark.django_db

SOURCE = f"{Path(tokens.__file__).parent}/"
MIDDLEWARE = {"views/probes.py", "views/own_forms.py", "views/unavailable.py", "views/session_record.py"}
FORM = {"grant_type": "client_credentials", "scope": "notes:read"}
BOUNDS = (22, 34, 12)
"""Modules, switches and depth. They were 22, 33 and 12 when the bounds were set."""


def properties() -> set[CodeType]:
    """Return the code objects of all properties of the issuer's classes."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == tokens.__name__]
    classes = {thing for module in modules for thing in vars(module).values() if isinstance(thing, type)}
    getters = [thing.fget for cls in classes for thing in vars(cls).values() if type(thing) is property]
    return {getter.__code__ for getter in getters if isinstance(getter, FunctionType)}


class Trace:
    """The calls into modules of the issuer during a request, beginning with its view."""

    def __init__(self):
        self.modules, self.switches, self.depth = set(), 0, 0
        self._properties, self._stack = properties(), []

    def __call__(self, frame, event, _argument):
        if event == "call":
            self._stack.append(self._enter(frame.f_code))
        elif event == "return" and self._stack:
            self._stack.pop()

    def _enter(self, code):
        if not code.co_filename.startswith(SOURCE):
            return None
        module, outer = code.co_filename.removeprefix(SOURCE), [name for name in self._stack if name]
        if module in MIDDLEWARE or (module == "views/bodies.py" and not outer):
            return None
        self.modules.add(module)
        if code in self._properties or code.co_name.startswith("<"):
            return None
        self.switches += bool(outer) and outer[-1] != module
        self.depth = max(self.depth, len(outer) + 1)
        return module


def test_a_token_request_passes_few_modules(client, service):
    rotation.rotate(operation())

    def request():
        return post(client, "/oauth/token", FORM, **basic("service", service.plain))

    assert [request().status_code for _ in range(2)] == [200, 200]  # caches are filled
    trace = Trace()
    sys.setprofile(trace)
    try:
        request()
    finally:
        sys.setprofile(None)
    counted = (len(trace.modules), trace.switches, trace.depth)
    assert all(number <= bound for number, bound in zip(counted, BOUNDS, strict=True)), (counted, trace.modules)
