"""`import_users`: users of another project log in with their old passwords.

The command names the users that cannot be imported.
"""

import json
import uuid
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command

from tests.tokens.factories import make_user
from tokens.handover import user_import
from tokens.models import AuditEvent, User

pytestmark = pytest.mark.django_db
HASH = make_password("correct horse", hasher="md5")


def user(pk, username, **fields):
    """Return a row of a `dumpdata` file that describes a user."""
    own = {"username": username, "password": HASH, "email": f"{username}@example.org", "is_active": True}
    return {"model": "auth.user", "pk": pk, "fields": own | {"date_joined": "2020-01-02T03:04:05Z"} | fields}


@pytest.fixture
def load(tmp_path):
    """Return a function that imports rows of users, and returns the JSON that the command prints."""

    def run(rows, *options):
        path, out = tmp_path / "users.json", StringIO()
        path.write_text(json.dumps(rows), encoding="utf-8")
        call_command("import_users", str(path), *options, "--json", stdout=out)
        return json.loads(out.getvalue())

    return run


def test_users_log_in_with_their_old_passwords(load):
    result = load([user(1, "ada", first_name="Ada"), user(2, "bob", is_active=False)])
    assert (result["created"], result["refused"], result["unknown_hashers"]) == (2, [], {})
    ada = authenticate(None, username="ada", password="correct horse")
    assert (ada.first_name, ada.password, str(ada.date_joined)) == ("Ada", HASH, "2020-01-02 03:04:05+00:00")
    assert authenticate(None, username="ada", password="wrong") is None
    assert authenticate(None, username="bob", password="correct horse") is None
    event = AuditEvent.objects.get()
    assert (event.action, event.details) == ("users.imported", {"created": 2, "source": "auth.user"})


def test_a_second_run_changes_nothing_and_a_sub_is_stable(load):
    rows = [user(1, "ada"), user(2, "bob")]
    load(rows)
    before = dict(User.objects.values_list("username", "sub"))
    User.objects.filter(username="ada").update(password="new")
    result = load(rows)
    assert (result["created"], result["unchanged"]) == (0, 2)
    assert User.objects.get(username="ada").password == "new"
    assert AuditEvent.objects.count() == 1
    User.objects.all().delete()
    load(rows)
    assert dict(User.objects.values_list("username", "sub")) == before
    assert len(set(before.values())) == 2


def test_a_sub_of_the_dump_stays_and_sources_do_not_mix(load, tmp_path):
    own = uuid.uuid4()
    load([user(1, "ada", sub=str(own))])
    assert User.objects.get().sub == own
    load([user(7, "bob")], "--source", "shop")
    result = load([user(7, "eve")], "--source", "blog", "--subs-to", str(tmp_path / "subs.csv"))
    assert result["created"] == 1
    written = (tmp_path / "subs.csv").read_text().splitlines()
    assert written == ["pk,sub", f"7,{User.objects.get(username='eve').sub}"]


def test_a_file_for_subs_that_cannot_be_written_is_refused_before_the_import(load, tmp_path):
    with pytest.raises(CommandError, match=r"--subs-to: .*: No such file or directory; nothing was imported") as failed:
        load([user(1, "ada")], "--subs-to", str(tmp_path / "none" / "subs.csv"))
    assert failed.value.returncode == 2
    assert not User.objects.exists()


def test_the_file_for_subs_is_replaced_after_the_import_and_stays_as_it_is_if_the_import_fails(load, tmp_path):
    subs = tmp_path / "subs.csv"
    load([user(1, "ada"), user(2, "bob")], "--subs-to", str(subs))
    both = subs.read_text()
    with pytest.raises(CommandError, match="nothing was imported"):
        load([{"model": "auth.user"}], "--subs-to", str(subs))
    assert subs.read_text() == both
    load([user(1, "ada")], "--subs-to", str(subs))
    assert subs.read_text().splitlines() == ["pk,sub", f"1,{User.objects.get(username='ada').sub}"]
    with pytest.raises(CommandError, match="nothing was imported"):
        load([{"model": "auth.user"}], "--subs-to", str(tmp_path / "new.csv"))
    assert not (tmp_path / "new.csv").exists()


def test_a_full_disk_after_the_import_is_named_as_such(load):
    message = "--subs-to: /dev/full: No space left on device; the import is done: run the command again to get the subs"
    with pytest.raises(CommandError, match=message) as failed:
        load([user(1, "ada")], "--subs-to", "/dev/full")
    assert failed.value.returncode == 1
    assert User.objects.get().username == "ada"


def test_a_dry_run_changes_nothing(load):
    result = load([user(1, "ada")], "--dry-run")
    assert (result["created"], result["dry_run"]) == (1, True)
    assert not User.objects.exists()
    assert not AuditEvent.objects.exists()


def test_what_cannot_be_taken_is_named_and_the_rest_is_taken(load):
    make_user("Ada")
    rows = [
        *(user(1, "ada"), user(2, "bob"), user(3, "BOB"), user(4, ""), user(5, "a b"), user(6, "x" * 151)),
        user(7, "nul", first_name="a\0b"),
        user(8, "long", email="a" * 250 + "@b.example"),
    ]
    result = load(rows)
    assert result["created"] == 1
    assert [refusal["user"] for refusal in result["refused"]] == ["ada", "BOB", "", "a b", "x" * 150, "nul", "long"]
    assert "another user has this username" in result["refused"][0]["why"]
    assert "has no username" in result["refused"][2]["why"]
    assert "has a longer email" in result["refused"][6]["why"]


def test_rights_of_administration_are_kept_on_demand_only(load):
    row = user(1, "root", is_staff=True, is_superuser=True)
    result = load([row])
    assert result["administrators"] == ["root"]
    assert User.objects.filter(is_staff=False, is_superuser=False).count() == 1
    User.objects.all().delete()
    load([row], "--with-staff")
    assert User.objects.filter(is_staff=True, is_superuser=True).count() == 1


def test_an_e_mail_address_of_two_users_is_reported(load):
    make_user("first")
    result = load([user(1, "ada", email="FIRST@example.org"), user(2, "bob", email=""), user(3, "eve", email="")])
    assert result["same_email"] == ["ada"]
    assert result["created"] == 3


def test_verified_addresses_are_marked_once_for_each_address(load):
    rows = [user(1, "ada", email="a@example.org"), user(2, "bob", email="A@example.org"), user(3, "eve")]
    load(rows, "--trust-emails")
    assert set(EmailAddress.objects.filter(verified=True).values_list("user__username", flat=True)) == {"ada", "eve"}
    User.objects.all().delete()
    load(rows)
    assert not EmailAddress.objects.exists()


def test_an_unknown_hasher_is_reported_and_the_hash_is_kept(load):
    passwords = {"ada": "sha512_crypt$x$y", "bob": "md5$salt$x", "eve": "!x", "zoe": "plain"}
    result = load([user(pk, name, password=text) for pk, (name, text) in enumerate(passwords.items())])
    assert result["unknown_hashers"] == {"sha512_crypt": 1, "(none)": 1}
    assert result["hashers"]["(no password)"] == 1
    assert User.objects.get(username="ada").password == "sha512_crypt$x$y"
    assert authenticate(None, username="ada", password="correct horse") is None


def test_groups_are_kept_on_demand(load):
    rows = [{"model": "auth.group", "pk": 3, "fields": {"name": "editors"}}, user(1, "ada", groups=[3, ["staff"], 9])]
    load(rows, "--with-groups")
    assert set(User.objects.get().groups.values_list("name", flat=True)) == {"editors", "staff"}
    User.objects.all().delete()
    load(rows)
    assert not User.objects.get().groups.exists()


def test_another_user_model_is_read_if_it_is_named(load):
    row = user(1, "ada") | {"model": "accounts.user"}
    assert load([row])["created"] == 0
    assert load([row], "--model", "accounts.User")["created"] == 1


def test_a_malformed_file_imports_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(user_import, "BATCH", 1)
    path = tmp_path / "users.json"
    path.write_text(json.dumps([user(1, "ada"), user(2, "bob")])[:-30])
    with pytest.raises(CommandError, match=r"row 2 is not JSON.*nothing was imported"):
        call_command("import_users", str(path))
    assert not User.objects.exists()
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_users", str(tmp_path / "none.json"))
    path.write_bytes(b"\xff")
    with pytest.raises(CommandError, match="nothing was imported"):
        call_command("import_users", str(path))


def test_many_users_are_read_in_batches_with_progress(load, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(user_import, "BATCH", 5)
    path = tmp_path / "users.json"
    path.write_text("\n".join(json.dumps(user(number, f"u{number}")) for number in range(203)))
    out, err = StringIO(), StringIO()
    call_command("import_users", str(path), stdout=out, stderr=err)
    assert err.getvalue().splitlines() == ["100 users read", "200 users read"]
    assert out.getvalue().strip() == "created 203, unchanged 0, refused 0"
