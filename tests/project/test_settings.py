"""Settings of issuer and API that influence the handling of requests. Each test reads them in a separate process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from project.launch.check import api, production
from project.launch.processes import variables_for
from tests import marks

pytestmark = [*marks.programs]
ROOT = Path(__file__).resolve().parent.parent.parent
ISSUER = production("project.settings.issuer") | {
    "DATABASE_URL": "postgres://u:pw@127.0.0.1/db",
    "LOGIN_CACHE_URL": "redis://:pw@127.0.0.1/1",
    "PKCS11_PIN": "0042",
}
API = api() | {"API_DATABASE_URL": "postgres://u:pw@127.0.0.1/db"}
ENDS = pytest.mark.parametrize("end", [ISSUER, API], ids=["issuer", "api"])
SECRET = re.compile(r"SECRET|PIN$|TOKEN$|ENCRYPTION_KEYS|DATABASE_URL|CACHE_URL")
NO_SECRETS = {"WEBAPP_CLIENT_SECRET", "PKCS11_TOKEN"}  # the example application's; and a label, which is no secret


def read(own: dict[str, str], program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=variables_for(own, os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def settings(own: dict[str, str], *names: str) -> list[object]:
    program = "import json; from django.conf import settings as s; print(json.dumps([getattr(s, n) for n in %r]))"
    result = read(own, program % (names,))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@ENDS
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, [False, False]),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true"}, [True, False]),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"}, [True, True]),
    ],
)
def test_hsts_covers_no_subdomain_unless_it_is_configured(end, chosen, expected):
    names = ("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
    assert settings(end | chosen, *names) == expected
    assert settings(end | chosen, "SECURE_HSTS_SECONDS") == [31_536_000]


@ENDS
def test_a_preload_without_subdomains_is_refused_with_the_remedy(end):
    result = read(end | {"HSTS_PRELOAD": "true"}, "from django.conf import settings; settings.DEBUG")
    assert result.returncode == 1
    assert "HSTS_PRELOAD=true needs HSTS_INCLUDE_SUBDOMAINS=true" in result.stderr


@ENDS
def test_no_secret_stays_in_the_environment_of_a_process_that_has_read_its_settings(end):
    operator = {"OPERATOR_TOKEN": "o" * 32}
    program = (
        "import json, os; from django.conf import settings; settings.DEBUG; "
        "from project.settings import environment; from project.launch.worker_start import SECRETS; "
        "environment.forget_secrets(*SECRETS); print(json.dumps(dict(os.environ)))"
    )
    left = json.loads(read(end | operator, program).stdout)
    assert {name for name in left if SECRET.search(name)} == set()
    assert left["DJANGO_SETTINGS_MODULE"] == end["DJANGO_SETTINGS_MODULE"]


def test_every_variable_that_sounds_like_a_secret_is_tried_above():
    named = set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    tried = ISSUER.keys() | API.keys() | {"OPERATOR_TOKEN"}
    assert {name for name in named if SECRET.search(name)} - NO_SECRETS <= tried


@ENDS
@pytest.mark.parametrize("token", ["short", "o" * 31, "o" * 30 + " o", "ö" * 32])
def test_an_operator_token_that_can_be_guessed_or_not_sent_is_refused(end, token):
    result = read(end | {"OPERATOR_TOKEN": token}, "from django.conf import settings; settings.DEBUG")
    assert result.returncode == 1
    assert "OPERATOR_TOKEN must be at least 32 ASCII characters" in result.stderr
    assert token not in result.stderr.rpartition("\n")[2]


@ENDS
def test_answers_have_three_seconds_unless_others_are_named(end):
    assert settings(end, "ANSWER_WITHIN") == [3]
    assert settings(end | {"ANSWER_WITHIN": "20"}, "ANSWER_WITHIN") == [20]
    result = read(end | {"ANSWER_WITHIN": "0"}, "from django.conf import settings; settings.DEBUG")
    assert "ANSWER_WITHIN must be a number of seconds, 0.1 or more" in result.stderr


def test_what_an_api_does_while_a_feed_is_late_is_the_environment_s():
    names = ("REVOCATIONS_LATE_AFTER", "REVOCATIONS_WHEN_LATE")
    assert [settings(API, "RESOURCE_SERVER")[0][name] for name in names] == [120, "serve"]
    chosen = {"REVOCATIONS_LATE_AFTER": "2.5", "REVOCATIONS_WHEN_LATE": "refuse"}
    assert [settings(API | chosen, "RESOURCE_SERVER")[0][name] for name in names] == [2.5, "refuse"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("REVOCATIONS_LATE_AFTER", "0", "must be a number of seconds, 1 or more"),
        ("REVOCATIONS_WHEN_LATE", "Refuse", "must be one of serve, refuse, not 'Refuse'"),
    ],
)
def test_a_late_feed_s_variable_that_is_malformed_is_named(name, value, expected):
    result = read(API | {name: value}, "from django.conf import settings; settings.DEBUG")
    assert result.returncode == 1
    assert f"{name} {expected}" in result.stderr


@ENDS
def test_every_secret_can_be_a_file(end, tmp_path):
    """Each secret can be read from a file that ends with a line feed. The settings are the same as without files."""
    secrets = {name: value for name, value in end.items() if SECRET.search(name) and name not in NO_SECRETS}
    for name, value in secrets.items():
        (tmp_path / name).write_text(f"{value}\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in secrets}
    others = {name: value for name, value in end.items() if name not in secrets}
    program = (
        "from django.conf import settings as s; print(s.SECRET_KEY, s.DATABASES, s.CACHES, getattr(s, 'ISSUER', 0))"
    )
    assert len(secrets) >= 3
    printed = [read(variables, program) for variables in (others | files, end)]
    assert printed[0].stdout == printed[1].stdout != ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "which cannot be read: No such file or directory"),
        (b"", "which is empty"),
        (b"\n", "which is empty"),
        (b"\xff", "which is not UTF-8 text"),
    ],
)
def test_a_file_without_a_secret_is_named(tmp_path, content, said):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    others = {name: value for name, value in API.items() if name != "SECRET_KEY"}
    result = read(others | {"SECRET_KEY_FILE": str(path)}, "from django.conf import settings; settings.DEBUG")
    assert result.returncode == 1
    assert f"SECRET_KEY_FILE names {path}, {said}" in result.stderr


def test_a_secret_that_is_given_twice_is_refused(tmp_path):
    (tmp_path / "secret").write_text("of the file")
    both = API | {"SECRET_KEY_FILE": str(tmp_path / "secret")}
    result = read(both, "from django.conf import settings; settings.DEBUG")
    assert result.returncode == 1
    assert "SECRET_KEY and SECRET_KEY_FILE are both set. Remove one of them." in result.stderr
    assert "of the file" not in result.stderr
