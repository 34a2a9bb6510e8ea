"""The output and the exit codes of `manage.py check_issuer`."""

import errno
import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import CommandError, call_command
from django.test import override_settings

from resources.testing import SigningKey, jwks, pinned, shared_key
from tests.resources.loopback import Loopback, document, status

GOOD = shared_key()


def run(issuer: str, *arguments: str) -> tuple[str, int]:
    """Run check_issuer for the issuer, and return its output and its exit code."""
    printed = StringIO()
    with override_settings(RESOURCE_SERVER={"ISSUERS": [issuer], "AUDIENCE": ["https://api.example/"]}):
        try:
            call_command("check_issuer", *arguments, stdout=printed)
        except CommandError as error:
            return printed.getvalue() + str(error), error.returncode
    return printed.getvalue(), 0


def test_every_key_is_printed_with_its_verdict_and_why(issuer: Loopback) -> None:
    bad: list[Any] = [
        {**SigningKey(kid="enc").jwk, "use": "enc"},
        {**SigningKey(kid="oops").jwk, "d": "AQAB"},
        {"kty": "RSA"},
    ]
    issuer.publish({"keys": [GOOD.jwk, *bad]})
    printed = (
        f"{issuer.url}  {issuer.url}/jwks.json\n"
        f"  usable   {GOOD.kid}  RS256\n"
        "  not used enc  its use is not sig\n"
        "  LEAKED   oops  it has private or symmetric members, so treat it as leaked\n"
        "  not used (no kid)  the kid is missing, too long or not printable\n"
    )
    assert run(issuer.url) == (printed, 0)


def test_json_output_is_one_document(issuer: Loopback) -> None:
    issuer.publish(jwks(GOOD))
    printed, code = run(issuer.url, issuer.url, "--json")
    assert code == 0
    assert json.loads(printed) == [
        {
            "issuer": issuer.url,
            "jwks_url": f"{issuer.url}/jwks.json",
            "usable": True,
            "problem": "",
            "audience_problem": "",
            "keys": [{"kid": GOOD.kid, "usable": True, "algorithms": ["RS256"], "problem": "", "leaked": False}],
        }
    ]


def test_an_issuer_without_a_usable_key_fails(issuer: Loopback) -> None:
    issuer.publish({"keys": []})
    printed, code = run(issuer.url)
    assert (code, printed.endswith("The tokens of at least one issuer cannot be verified.")) == (1, True)
    issuer.answers["/jwks.json"] = status(500)
    printed, code = run(issuer.url)
    assert (code, "  no keys: the server answered 500\n" in printed) == (1, True)


def test_an_issuer_that_is_down_fails_with_its_reason(issuer: Loopback) -> None:
    issuer.stop()
    printed, code = run(issuer.url)
    assert (code, "no keys: 127.0.0.1: " in printed) == (1, True)


def test_an_untrusted_issuer_is_an_error(issuer: Loopback) -> None:
    assert run(issuer.url, "https://stranger.example") == ("not a trusted issuer: https://stranger.example", 2)


def test_settings_without_an_issuer_are_an_error() -> None:
    with override_settings(RESOURCE_SERVER={}), pytest.raises(CommandError) as refused:
        call_command("check_issuer")
    assert refused.value.returncode == 2


def test_pinned_keys_are_reported_as_pinned() -> None:
    printed = StringIO()
    with pinned():
        call_command("check_issuer", stdout=printed)
    assert printed.getvalue() == f"http://localhost:8000  (pinned)\n  usable   {GOOD.kid}  RS256\n"


def lists(issuer: Loopback, *resources: object) -> None:
    """Publish valid keys, and metadata that lists `resources` (RFC 9728 section 4)."""
    issuer.publish(jwks(GOOD))
    metadata = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks.json", "protected_resources": list(resources)}
    issuer.answers["/.well-known/oauth-authorization-server"] = document(metadata)


def test_an_audience_that_differs_by_its_slash_is_reported(issuer: Loopback) -> None:
    lists(issuer, "https://other.example/", "https://api.example")
    printed, code = run(issuer.url)
    problem = (
        "the issuer lists 'https://api.example', the settings name 'https://api.example/'; they differ by the slash"
    )
    assert (code, problem in printed) == (1, True)
    (report,) = json.loads(run(issuer.url, "--json")[0].splitlines()[0])
    assert (report["usable"], problem in report["audience_problem"]) == (False, True)


def test_the_audience_is_compared_also_if_the_settings_name_the_jwks(issuer: Loopback) -> None:
    lists(issuer, "https://api.example")
    entry = {"URL": issuer.url, "JWKS_URL": f"{issuer.url}/jwks.json"}
    printed = StringIO()
    with (
        override_settings(RESOURCE_SERVER={"ISSUERS": [entry], "AUDIENCE": ["https://api.example/"]}),
        pytest.raises(CommandError),
    ):
        call_command("check_issuer", stdout=printed)
    assert "they differ by the slash" in printed.getvalue()


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(["https://api.example/", "https://api.example"], id="both forms"),
        pytest.param(["https://other.example/"], id="another API"),
        pytest.param([7, None], id="no names"),
        pytest.param([], id="none"),
    ],
)
def test_an_audience_that_the_issuer_lists_or_does_not_publish_is_no_problem(
    issuer: Loopback, listed: list[object]
) -> None:
    lists(issuer, *listed)
    assert run(issuer.url)[1] == 0


def test_metadata_of_another_issuer_names_both_and_the_slash(issuer: Loopback) -> None:
    lists(issuer)
    for path in ("oauth-authorization-server", "openid-configuration"):
        issuer.answers[f"/.well-known/{path}"] = document({"issuer": f"{issuer.url}/"})
    printed, code = run(issuer.url)
    mismatch = (
        f"names the issuer '{issuer.url}/', the settings name '{issuer.url}'; they differ by the slash at the end"
    )
    assert (code, mismatch in printed) == (1, True)
    issuer.answers["/.well-known/openid-configuration"] = document({"issuer": "https://evil.example"})
    printed, code = run(issuer.url)
    assert "names the issuer 'https://evil.example', the settings" in printed
    assert "differ by the slash" not in printed


def test_usable_keys_are_written_as_pem_files_and_others_removed(issuer: Loopback, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("-----BEGIN PUBLIC KEY-----\n")
    (tmp_path / "other.txt").write_text("a file of another program")
    issuer.publish({"keys": [GOOD.jwk, {**SigningKey(kid="enc").jwk, "use": "enc"}]})
    assert run(issuer.url, "--pem", str(tmp_path)) == (f"written  {GOOD.kid}\nremoved  old\n", 0)
    public = GOOD.private.public_key()
    assert (tmp_path / GOOD.kid).read_bytes() == public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert {path.name for path in tmp_path.iterdir()} == {GOOD.kid, "other.txt"}
    assert run(issuer.url, "--pem", str(tmp_path)) == ("", 0)
    assert json.loads(run(issuer.url, "--pem", str(tmp_path), "--json")[0]) == {"written": [], "removed": []}


@pytest.mark.parametrize("kid", ["../outside", "/absolute", ".hidden", "a b", "x" * 201])
def test_a_kid_that_is_no_file_name_changes_nothing(issuer: Loopback, tmp_path: Path, kid: str) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "old").write_text("-----BEGIN PUBLIC KEY-----\n")
    issuer.publish({"keys": [GOOD.jwk, SigningKey(kid=kid).jwk]})
    printed, code = run(issuer.url, "--pem", str(folder))
    assert (code, printed.endswith("No file was changed.")) == (1, True)
    assert [path.name for path in tmp_path.rglob("*")] == ["keys", "old"]


def test_no_pem_file_is_changed_without_a_usable_key_or_for_two_issuers(issuer: Loopback, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("-----BEGIN PUBLIC KEY-----\n")
    for answer in (document({"keys": []}), status(500)):
        issuer.publish({"keys": []})
        issuer.answers["/jwks.json"] = answer
        printed, code = run(issuer.url, "--pem", str(tmp_path))
        assert (code, "No file was changed" in printed) == (1, True)
    two = {"ISSUERS": [issuer.url, "https://second.example"], "AUDIENCE": ["https://api.example/"]}
    with override_settings(RESOURCE_SERVER=two), pytest.raises(CommandError, match="name its URL") as error:
        call_command("check_issuer", "--pem", str(tmp_path))
    assert error.value.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_folder_that_is_absent_is_named(issuer: Loopback, tmp_path: Path) -> None:
    issuer.publish(jwks(GOOD))
    assert run(issuer.url, "--pem", str(tmp_path / "none")) == (
        f"{tmp_path / 'none'} cannot be used: No such file or directory",
        2,
    )


def test_no_pem_file_is_changed_if_one_cannot_be_written(
    issuer: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = SigningKey(kid="second")
    (tmp_path / "old").write_text("-----BEGIN PUBLIC KEY-----\n")
    issuer.publish(jwks(GOOD, second))
    monkeypatch.setattr(os, "fchmod", disk_full_at_the_second_file())
    assert run(issuer.url, "--pem", str(tmp_path)) == (f"{tmp_path} cannot be used: No space left on device", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    monkeypatch.undo()
    assert run(issuer.url, "--pem", str(tmp_path))[1] == 0
    assert {path.name for path in tmp_path.iterdir()} == {GOOD.kid, "second"}


def disk_full_at_the_second_file() -> Callable[[int, int], None]:
    calls = iter([False, True])

    def fchmod(_file: int, _mode: int) -> None:
        if next(calls):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fchmod
