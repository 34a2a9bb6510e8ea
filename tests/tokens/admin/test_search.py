"""The admin's search accepts a sub or a grant id in every spelling of a UUID."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.tokens.factories import make_client
from tokens.models import AuditEvent, User, UserGrant

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPELLINGS = [
    str,
    lambda identifier: identifier.hex,
    lambda identifier: str(identifier).upper(),
    lambda identifier: f" {identifier} ",
    lambda identifier: identifier.urn,
]


def search(browser, page, words):
    answer = browser.get(f"/admin/tokens/{page}/", {"q": words})
    assert answer.status_code == 200
    return [str(row) for row in answer.context["cl"].result_list]


@pytest.fixture
def grants(apis):
    """Create a grant for each of two users at the same client, and return the grants."""
    webapp = make_client("webapp")
    return [
        UserGrant.objects.create(
            user=User.objects.create_user(name),
            client=webapp,
            audience="a",
            scope="s",
            auth_time=NOW,
            created_at=NOW,
            ends_at=NOW + timedelta(days=1),
        )
        for name in ("ada", "eve")
    ]


@pytest.mark.parametrize("spell", SPELLINGS)
def test_grants_are_found_by_their_id_and_by_the_sub_of_their_user(admin, grants, spell):
    for grant in grants:
        assert search(admin, "usergrant", spell(grant.pk)) == [str(grant)]
        assert search(admin, "usergrant", spell(grant.user.sub)) == [str(grant)]
    assert search(admin, "usergrant", spell(uuid.uuid4())) == []


def test_grants_are_found_by_username_and_client_id(admin, grants):
    assert search(admin, "usergrant", "ada") == [str(grants[0])]
    assert search(admin, "usergrant", "ada webapp") == [str(grants[0])]
    assert len(search(admin, "usergrant", "webapp")) == 2
    assert search(admin, "usergrant", f"webapp {grants[1].user.sub}") == [str(grants[1])]
    assert search(admin, "usergrant", grants[0].user.sub.hex[:12]) == []


@pytest.mark.parametrize("spell", SPELLINGS)
def test_a_user_is_found_by_sub(admin, spell):
    ada = User.objects.create_user("ada")
    User.objects.create_user("eve")
    assert search(admin, "user", spell(ada.sub)) == ["ada"]
    assert search(admin, "user", "ada") == ["ada"]


def test_a_user_whose_name_is_like_a_sub_is_found_by_it(admin):
    name = uuid.uuid4().hex
    User.objects.create_user(name)
    assert search(admin, "user", name) == [name]


@pytest.mark.parametrize("spell", SPELLINGS)
def test_the_audit_trail_is_searched_by_what_an_event_is_about(admin, spell):
    grant = uuid.uuid4()
    for subject in (f"grant:{grant}", "user:ada", "client:webapp"):
        AuditEvent.objects.create(at=NOW, actor="command:test", action="thing.done", subject=subject)
    assert [row.split()[-1] for row in search(admin, "auditevent", spell(grant))] == [f"grant:{grant}"]
    assert [row.split()[-1] for row in search(admin, "auditevent", "user:ada")] == ["user:ada"]


@pytest.mark.parametrize("spell", SPELLINGS)
def test_the_audit_trail_is_searched_by_the_sub_of_a_user(admin, spell):
    ada = User.objects.create_user("ada")
    for subject, actor in (("user:ada", "user:root"), ("client:webapp", "user:ada"), ("user:adam", "user:root")):
        AuditEvent.objects.create(at=NOW, actor=actor, action="thing.done", subject=subject)
    assert [row.split()[-1] for row in search(admin, "auditevent", spell(ada.sub))] == ["client:webapp", "user:ada"]
