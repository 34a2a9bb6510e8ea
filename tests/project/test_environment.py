"""The environment files that `make run` writes.

Each process has its own variables. Secrets are made only once. If a file with secrets is lost, but the database exists,
an error says so.
"""

import os
import re
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.launch.environment import ROOT, LostEnvironment, prepare, read, use_development_environment
from project.launch.ports import Ports
from project.settings import environment


def test_each_process_gets_its_own_variables_in_a_file_that_only_its_owner_reads(tmp_path):
    made = prepare(Ports(), {}, tmp_path)
    assert "KEY_ENCRYPTION_KEYS" in made.issuer
    assert not {"KEY_ENCRYPTION_KEYS", "DATABASE_URL", "WEBAPP_CLIENT_SECRET"} & made.api.keys()
    assert not {"KEY_ENCRYPTION_KEYS", "DATABASE_URL", "API_DATABASE_URL", "DEMO_PASSWORD"} & made.webapp.keys()
    assert len({made.issuer["SECRET_KEY"], made.api["SECRET_KEY"], made.webapp["SECRET_KEY"]}) == 3
    for path in tmp_path.glob("*.env"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_stay_from_run_to_run_and_addresses_follow_the_ports(tmp_path):
    first, second = prepare(Ports(), {}, tmp_path), prepare(Ports(9000, 9001, 9002), {}, tmp_path)
    assert first.issuer["KEY_ENCRYPTION_KEYS"] == second.issuer["KEY_ENCRYPTION_KEYS"]
    assert second.issuer["ISSUER_URL"] == second.api["API_ISSUERS"] == "http://localhost:9000"
    assert second.api["API_AUDIENCE"] == "http://localhost:9001/"


TIMINGS = {"KEY_TIMINGS": "rotate_every=120,token_lifetime=60"}
PRODUCTION = {"KEY_POLICY": "production"}


def policy(made):
    return made.issuer.get("KEY_POLICY"), made.issuer.get("KEY_TIMINGS"), made.api["KEY_POLICY"]


def test_the_key_policy_is_passed_on_and_kept_until_another_is_named(tmp_path):
    assert policy(prepare(Ports(), {}, tmp_path)) == ("development", None, "development")
    named = prepare(Ports(), TIMINGS | PRODUCTION, tmp_path)
    assert policy(named) == ("production", TIMINGS["KEY_TIMINGS"], "production")
    assert policy(prepare(Ports(), {}, tmp_path)) == policy(named)
    assert read(tmp_path / "issuer.env").items() >= (TIMINGS | PRODUCTION).items()
    other = prepare(Ports(), {"KEY_TIMINGS": "token_lifetime=90"}, tmp_path)
    assert policy(other) == ("production", "token_lifetime=90", "production")
    empty = prepare(Ports(), {"KEY_TIMINGS": "", "KEY_POLICY": ""}, tmp_path)
    assert policy(empty) == ("development", None, "development")
    assert policy(prepare(Ports(), {}, tmp_path)) == policy(empty)


def issuer_variables():
    """Return the names of the variables in the section "issuer" of .env.example."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    section = text.partition("# --- issuer ---")[2].partition("# --- API ---")[0]
    return re.findall(r"^([A-Z0-9_]+)=", section, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(issuer_variables()) - {"KEY_ENCRYPTION_KEYS"}))
def test_each_variable_of_the_issuer_reaches_it_from_the_shell(tmp_path, name):
    made = prepare(Ports(), {name: "named"}, tmp_path)
    assert made.issuer[name] == "named"
    assert name == "ISSUER_URL" or not {name} & (made.api.keys() | made.webapp.keys())


def test_traces_reach_all_three_processes_from_the_shell_under_a_name_of_each(tmp_path):
    sent = {"OTEL_TRACES": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_SERVICE_NAME": "one"}
    made = prepare(Ports(), sent, tmp_path)
    for own in (made.issuer, made.api, made.webapp):
        assert (own["OTEL_TRACES"], own["OTEL_EXPORTER_OTLP_ENDPOINT"]) == ("true", "http://localhost:4318")
    names = [own.get("OTEL_SERVICE_NAME") for own in (made.issuer, made.api, made.webapp)]
    assert names == ["keyturn-issuer", "keyturn-api", None]  # the application's default is `webapp`


def test_the_encrypting_keys_of_the_shell_never_replace_those_of_the_database(tmp_path):
    first = prepare(Ports(), {}, tmp_path)
    assert prepare(Ports(), {"KEY_ENCRYPTION_KEYS": "others"}, tmp_path).issuer == first.issuer


def test_manage_py_plans_by_the_policy_of_the_last_run(tmp_path, monkeypatch):
    prepare(Ports(), TIMINGS, tmp_path)
    for name in ("KEY_TIMINGS", "KEY_POLICY"):
        monkeypatch.delenv(name, raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", environ := {})
        use_development_environment(tmp_path)
    assert (environ["KEY_TIMINGS"], environ["KEY_POLICY"]) == (TIMINGS["KEY_TIMINGS"], "development")


@pytest.mark.parametrize("lost", ["issuer", "demo"])
def test_lost_secrets_beside_a_database_are_said_and_never_replaced(tmp_path, lost):
    prepare(Ports(), {}, tmp_path)
    (tmp_path / "issuer.sqlite3").touch()
    (tmp_path / f"{lost}.env").unlink()
    with pytest.raises(LostEnvironment, match="make reset"):
        prepare(Ports(), {}, tmp_path)
    assert read(tmp_path / f"{lost}.env") == {}


@pytest.mark.processes
def test_the_command_line_names_a_variable_that_is_missing_and_shows_no_traceback():
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "project.settings.issuer"}
    run = subprocess.run(
        [sys.executable, "manage.py", "keys"],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        "SECRET_KEY is not set. Set it in the environment, or name a file in SECRET_KEY_FILE; "
        ".env.example describes it.\n"
    )


@pytest.mark.processes
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OPEN_CLIENT_GRANT_TYPES", "client_credentials", "OPEN_CLIENT_GRANT_TYPES cannot have client_credentials; "),
        ("CLIENT_DOCUMENT_HOSTS", "https://app.example", "CLIENT_DOCUMENT_HOSTS must have hosts such as app.example, "),
        ("RATE_LIMITS", "logins=1/60", "RATE_LIMITS has unknown entries: logins; "),
        (
            "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT",
            "true",
            "DEVELOPMENT_ONLY_REMEMBER_LOOPBACK_CONSENT needs DEBUG: ",
        ),
    ],
)
def test_a_wrong_entry_of_the_issuer_is_one_line_and_no_traceback(tmp_path, name, value, said):
    made = prepare(Ports(), {name: value}, tmp_path).issuer | {"DEBUG": "false", "ALLOWED_HOSTS": "localhost"}
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | made,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr.startswith(said), run.stderr.count("\n")) == (1, True, 1), run.stderr


@pytest.mark.processes
@pytest.mark.parametrize(("debug", "prefix"), [("false", "__Host-"), ("true", "")])
def test_no_other_host_of_the_site_plants_a_cookie_of_the_issuer_s(debug, prefix):
    """The issuer's cookies have the prefix `__Host-`, except with DEBUG.

    With this prefix, no other host of the site can set them (RFC 6265bis section 4.1.3.2). Browsers store such cookies
    only over https, which is not used in development.
    """
    variables = {"SECRET_KEY": "x" * 50, "KEY_ENCRYPTION_KEYS": "x" * 43, "DATABASE_URL": "sqlite://:memory:"}
    addresses = {"ISSUER_URL": "https://issuer.example", "ALLOWED_HOSTS": "issuer.example"}
    script = "from project.settings import issuer as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    environment = {"PATH": os.environ["PATH"], "DEBUG": debug} | variables | addresses
    root = Path(__file__).parents[2]
    printed = subprocess.run([sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, check=True)
    assert printed.stdout.decode().split() == [f"{prefix}issuer_session", f"{prefix}issuer_csrf"]


@pytest.mark.processes
@pytest.mark.parametrize(
    "issuer_variable", [{}, {"API_ISSUERS": "https://a.example"}, {"ISSUER_URL": "https://b.example"}]
)
def test_an_api_names_the_variable_that_says_whom_it_trusts(issuer_variable):
    variables = {
        "SECRET_KEY": "x" * 50,
        "API_AUDIENCE": "https://api.example/",
        "API_DATABASE_URL": "sqlite://:memory:",
    }
    script = "from project.settings import api; print(*api.RESOURCE_SERVER['ISSUERS'])"
    environment = {"PATH": os.environ["PATH"], "ALLOWED_HOSTS": "api.example"} | variables | issuer_variable
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if issuer_variable:
        assert run.stdout.split() == list(issuer_variable.values())
    else:
        assert "API_ISSUERS is not set" in run.stderr


@pytest.mark.parametrize("value", ["100000", "-1", "1.5", "1e3", "some"])
def test_a_number_that_is_too_large_or_malformed_is_an_error_that_names_the_bounds(monkeypatch, value):
    monkeypatch.setenv("AUDIT_RETENTION_DAYS", value)
    monkeypatch.setenv("DATABASE_CONNECTIONS", value)
    with pytest.raises(ImproperlyConfigured, match=r"AUDIT_RETENTION_DAYS .* from 0 to 99999"):
        environment.days("AUDIT_RETENTION_DAYS")
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_CONNECTIONS .* from 0 to 99999"):
        environment.number("DATABASE_CONNECTIONS")


def test_the_largest_numbers_are_accepted(monkeypatch):
    monkeypatch.setenv("AUDIT_RETENTION_DAYS", "99999")
    monkeypatch.setenv("DATABASE_CONNECTIONS", "99999")
    assert environment.days("AUDIT_RETENTION_DAYS") == timedelta(days=99_999)
    assert environment.number("DATABASE_CONNECTIONS") == 99_999


ISSUERS = ("https://issuer.example", "https://issuer.example/", "https://issuer.example:8443/a/b", "http://[::1]:8000")
NOT_ISSUERS = {
    "https://issuer.example/a//b": "empty or dot segments",
    "https://issuer.example//": "empty or dot segments",
    "https://issuer.example/a//": "empty or dot segments",
    "https://issuer.example/../a": "empty or dot segments",
    "https://issuer.example/a b": "printable ASCII without blanks",
    "https://issuer.exämple": "printable ASCII without blanks",
    "https://user@issuer.example": "without a user name",
    "https://Issuer.example": "in lower case",
    "HTTPS://issuer.example": "in lower case",
    "https://issuer.example:443": "default port",
    "http://localhost:80": "default port",
    "https://issuer.example:": "default port",
    "https://issuer.example/%61": "percent-encoded",
    "https://issuer.example?a": "absolute URL",
}


@pytest.mark.parametrize("value", ISSUERS)
def test_an_issuer_is_a_url_in_its_normal_form(monkeypatch, value):
    monkeypatch.setenv("ISSUER_URL", value)
    assert environment.issuer_url("ISSUER_URL") == value


@pytest.mark.parametrize("value", NOT_ISSUERS)
def test_any_other_form_of_an_issuer_is_refused_with_the_reason(monkeypatch, value):
    monkeypatch.setenv("ISSUER_URL", value)
    with pytest.raises(ImproperlyConfigured, match=f"ISSUER_URL must be .*{NOT_ISSUERS[value]}"):
        environment.issuer_url("ISSUER_URL")


def test_pairs_are_read_from_a_variable(monkeypatch):
    monkeypatch.setenv("CLAIMS_SOURCE", "locale=profile.language, picture = accounts.claims:photo")
    expected = {"locale": "profile.language", "picture": "accounts.claims:photo"}
    assert environment.pairs("CLAIMS_SOURCE") == expected
    monkeypatch.delenv("CLAIMS_SOURCE")
    assert environment.pairs("CLAIMS_SOURCE") == {}


@pytest.mark.parametrize("value", ["locale", "locale=", "=username", "locale=username,picture"])
def test_a_pair_without_name_or_value_is_refused(monkeypatch, value):
    monkeypatch.setenv("CLAIMS_SOURCE", value)
    with pytest.raises(ImproperlyConfigured, match="CLAIMS_SOURCE must be like"):
        environment.pairs("CLAIMS_SOURCE")


@pytest.mark.parametrize(("value", "number"), [("", 0), ("1", 1), ("9464", 9464), ("65535", 65_535)])
def test_a_port_is_a_number_or_empty(monkeypatch, value, number):
    monkeypatch.setenv("METRICS_PORT", value)
    assert environment.port("METRICS_PORT") == number


@pytest.mark.parametrize("value", ["0", "65536", "-1", "+1", "1.5", "1e3", "http", "0x50", "80 81", "9" * 5000])
def test_a_port_that_is_no_number_from_1_to_65535_is_refused_by_its_name(monkeypatch, value):
    monkeypatch.setenv("METRICS_PORT", value)
    with pytest.raises(ImproperlyConfigured, match="METRICS_PORT must be the number of a port, or empty, not "):
        environment.port("METRICS_PORT")
