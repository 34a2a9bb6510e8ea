"""The `sub` of a user is unique and never changes, neither by the model nor by SQL."""

import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from tokens.models import User
from tokens.models.user import SubjectIsImmutable


@pytest.fixture
def user(db) -> User:
    return User.objects.create_user("alice")


def test_every_user_has_a_random_subject_of_its_own(user: User) -> None:
    other = User.objects.create_user("bob")
    assert (user.sub.version, other.sub.version) == (4, 4)
    assert user.sub != other.sub


def test_every_other_field_of_a_user_can_be_changed(user: User) -> None:
    loaded = User.objects.get(pk=user.pk)
    loaded.username, loaded.sub = "alicia", str(user.sub)
    loaded.save()
    assert User.objects.get(sub=user.sub).username == "alicia"


@pytest.mark.parametrize(
    "load",
    [
        lambda user: user,
        lambda user: User.objects.get(pk=user.pk),
        lambda user: User.objects.only("username").get(pk=user.pk),
        lambda user: User(pk=user.pk, username="mallory"),
    ],
    ids=["new", "loaded", "partly loaded", "a copy"],
)
def test_save_refuses_a_changed_subject(user: User, load) -> None:
    changed = load(user)
    changed.sub = uuid.uuid4()
    with pytest.raises(SubjectIsImmutable, match="must not change"):
        changed.save()


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda user: User.objects.filter(pk=user.pk).update(sub=uuid.uuid4()),
        lambda user: User.objects.bulk_update([User(pk=user.pk, sub=uuid.uuid4())], ["sub"]),
        lambda user: connection.cursor().execute("UPDATE tokens_user SET sub = %s", [uuid.uuid4().hex]),
    ],
    ids=["update", "bulk_update", "sql"],
)
def test_the_database_refuses_a_changed_subject(user: User, rewrite) -> None:
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        rewrite(user)
    assert User.objects.get(pk=user.pk).sub == user.sub


def test_two_users_never_share_a_subject(user: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="bob", sub=user.sub)
