"""Environment variables whose values are read from files.

Each secret can be in a file. Some files are refused, and no error message contains a secret.
"""

import os
import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.launch import environment as launch
from project.settings import environment, variable_file
from tests.project.test_settings import API, ISSUER, read

SECRET = "correct-horse-battery-staple-0123456789-abcdefg"
OPTIONAL = {"PYTHONHASHSEED": "0", "OPERATOR_TOKEN": SECRET, "EMAIL_URL": f"smtp://u:{SECRET}@mail.example:25"}
SECRETS = {
    *("SECRET_KEY", "OPERATOR_TOKEN", "CACHE_URL", "KEY_ENCRYPTION_KEYS", "PKCS11_PIN", "EMAIL_URL"),
    *("LOGIN_CACHE_URL", "DATABASE_URL"),
}
SETTINGS = (
    "import json; from django.conf import settings as s; "
    "print(json.dumps({n: getattr(s, n) for n in dir(s) if n.isupper()}, default=repr))"
)


def from_files(variables: dict[str, str], folder: Path, names: set[str]) -> dict[str, str]:
    """Write the values of the variables `names` to files in `folder`, and return the changed environment variables.

    Each variable in `names` is replaced by a variable `…_FILE` with the path of its file.
    """
    for name in names:
        (folder / name).write_text(f"{variables[name]}\n", encoding="utf-8")
    return {n: value for n, value in variables.items() if n not in names} | {
        f"{name}_FILE": str(folder / name) for name in names
    }


@pytest.mark.processes
@pytest.mark.parametrize(
    ("variables", "names"),
    [(ISSUER | OPTIONAL, SECRETS), (API | OPTIONAL, {"SECRET_KEY", "OPERATOR_TOKEN", "CACHE_URL", "API_DATABASE_URL"})],
    ids=["issuer", "api"],
)
def test_a_process_with_all_its_secrets_in_files_has_the_same_settings(tmp_path, variables, names):
    expected = read(variables, SETTINGS)
    assert expected.returncode == 0, expected.stderr
    values = read(from_files(variables, tmp_path, names), SETTINGS)
    assert (values.stdout, values.stderr) == (expected.stdout, expected.stderr)


def test_the_page_of_the_deployment_lists_every_secret():
    text = (launch.ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    listed = text.partition("Secrets are ")[2].partition(".\n")[0]
    assert set(re.findall(r"`([A-Z0-9_]+)`", listed)) == SECRETS | {"API_DATABASE_URL"}


@pytest.mark.processes
def test_every_secret_that_the_settings_read_is_tried_above():
    program = "from django.conf import settings; settings.DEBUG; from project.settings import environment as e; "
    names = {name for end in (ISSUER, API) for name in read(end, f"{program}print(*e._secrets)").stdout.split()}
    assert names == SECRETS | {"API_DATABASE_URL"}


@pytest.fixture
def named(monkeypatch, tmp_path):
    """Return a function that writes bytes to a file, sets OPERATOR_TOKEN_FILE to its path, and returns the path."""
    monkeypatch.delenv("OPERATOR_TOKEN", raising=False)

    def name(content: bytes) -> Path:
        path = tmp_path / "token"
        path.write_bytes(content)
        monkeypatch.setenv("OPERATOR_TOKEN_FILE", str(path))
        return path

    return name


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_the_newline_at_the_end_of_a_file_does_not_belong_to_the_secret(named, end):
    named(f"{SECRET}{end}".encode())
    assert environment.token("OPERATOR_TOKEN") == SECRET


def test_several_keys_are_in_one_file(monkeypatch, tmp_path):
    (tmp_path / "keys").write_text("one, two\n", encoding="utf-8")
    monkeypatch.delenv("KEY_ENCRYPTION_KEYS", raising=False)
    monkeypatch.setenv("KEY_ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))
    assert environment.secret_words("KEY_ENCRYPTION_KEYS") == ["one", "two"]


def refused() -> str:
    """Read OPERATOR_TOKEN, which must be refused, and return the error message."""
    with pytest.raises(ImproperlyConfigured) as caught:
        environment.token("OPERATOR_TOKEN")
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty. Write the value into it"),
        (b" \n", "is empty. Write the value into it"),
        (SECRET.encode() + b"\n" + SECRET.encode(), "has several lines. Write the value into it as one line"),
        (SECRET.encode() + b"\xff", "is not UTF-8 text"),
        (b"x" * (variable_file.LARGEST + 1), "is not a file of at most 64 KiB"),
    ],
)
def test_an_unusable_file_is_named_with_the_remedy_and_never_its_content(named, content, said):
    path = named(content)
    message = refused()
    assert message.startswith(f"OPERATOR_TOKEN_FILE names {path}, which {said}")
    assert SECRET not in message


def test_a_file_that_is_not_there_and_a_folder_are_named(named, tmp_path, monkeypatch):
    named(b"").unlink()
    assert "cannot be read: No such file or directory. Name a file that the user" in refused()
    monkeypatch.setenv("OPERATOR_TOKEN_FILE", str(tmp_path))
    assert f"{tmp_path}, which is not a file of at most 64 KiB" in refused()


def test_a_fifo_is_refused_without_waiting_for_a_writer(named):
    path = named(b"")
    path.unlink()
    os.mkfifo(path)
    assert "is not a file" in refused()


def test_a_file_that_its_process_may_not_read_is_named(monkeypatch, named):
    path = named(SECRET.encode())

    def forbidden(*_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    assert "cannot be read: Permission denied" in refused()


def test_both_forms_of_a_secret_are_refused_together(monkeypatch, named):
    named(SECRET.encode())
    monkeypatch.setenv("OPERATOR_TOKEN", SECRET)
    message = refused()
    assert message == "OPERATOR_TOKEN and OPERATOR_TOKEN_FILE are both set. Remove one of them."


def test_an_empty_variable_beside_a_file_is_none(monkeypatch, named):
    named(SECRET.encode())
    monkeypatch.setenv("OPERATOR_TOKEN", "")
    assert environment.token("OPERATOR_TOKEN") == SECRET


def test_the_file_of_a_cache_for_logins_counts_before_the_other_cache(monkeypatch, tmp_path):
    (tmp_path / "url").write_text("redis://logins:6379/0\n", encoding="utf-8")
    monkeypatch.setenv("CACHE_URL", "redis://cache:6379/0")
    monkeypatch.setenv("LOGIN_CACHE_URL_FILE", str(tmp_path / "url"))
    assert environment.cache("LOGIN_CACHE_URL", "CACHE_URL")["LOCATION"] == "redis://logins:6379/0"


def test_the_development_environment_sets_no_secret_beside_its_file(tmp_path, monkeypatch):
    launch.prepare(launch.Ports(), {}, tmp_path)
    monkeypatch.setattr(os, "environ", environ := {"DATABASE_URL_FILE": "/run/secrets/database"})
    launch.use_development_environment(tmp_path)
    assert "DATABASE_URL" not in environ
    assert "SECRET_KEY" in environ
