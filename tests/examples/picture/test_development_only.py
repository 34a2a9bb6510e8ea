"""The picture of the flow, its recorder and its URLs do not exist unless DEBUG is set."""

import os
import subprocess
import sys

import pytest

PROBE = """
import sys, django
django.setup()
from django.urls import Resolver404, resolve
from examples.webapp.hooks import HOOKS
try:
    url_name = resolve("/flow/").url_name
except Resolver404:
    url_name = None
print(url_name, len(HOOKS["response"]), any(name.startswith("examples.webapp.picture") for name in sys.modules))
"""


@pytest.mark.processes
@pytest.mark.parametrize(
    ("debug", "expected"), [("false", "None 0 False"), ("", "None 0 False"), ("true", "flow 1 True")]
)
def test_nothing_of_the_picture_is_loaded_in_production(debug: str, expected: str) -> None:
    names = (
        "SECRET_KEY",
        "ISSUER_URL",
        "API_URL",
        "API_AUDIENCE",
        "WEBAPP_URL",
        "WEBAPP_CLIENT_ID",
        "WEBAPP_CLIENT_SECRET",
    )
    variables = dict.fromkeys(names, "https://x.example") | {
        "DEBUG": debug,
        "ALLOWED_HOSTS": "x.example",
        "DJANGO_SETTINGS_MODULE": "examples.webapp.settings",
        "PATH": os.environ["PATH"],
    }
    result = subprocess.run([sys.executable, "-c", PROBE], env=variables, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == expected
