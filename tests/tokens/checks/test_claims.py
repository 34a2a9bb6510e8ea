"""The system checks of the settings for claims in tokens."""

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection

from tests.tokens.factories import API, make_api
from tokens.checks.claims import check_claims, check_groups


@pytest.fixture
def configured(settings):
    def configure(**entries):
        settings.ISSUER = settings.ISSUER | entries

    return configure


def ids(messages):
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("entries", "check_ids"),
    [
        ({}, []),
        ({"CLAIMS": "json.dumps", "CLAIMS_SOURCE": {"locale": "username", "picture": "json:dumps"}}, []),
        ({"GROUPS_CLAIM": ["x" * 100] * 40}, []),
        ({"GROUPS_CLAIM": ["x" * 100] * 41}, ["tokens.W209"]),
        ({"CLAIMS": "nothing.at_all"}, ["tokens.E206"]),
        ({"CLAIMS": "json.__name__"}, ["tokens.E206"]),
        ({"CLAIMS_SOURCE": {"locale": "nothing", "tenant": "username", "email": "username"}}, ["tokens.E205"] * 3),
    ],
)
def test_settings_with_which_tokens_could_not_be_issued_or_used_are_named(configured, entries, check_ids):
    configured(**entries)
    assert ids(check_claims()) == check_ids


@pytest.mark.django_db
def test_a_group_that_does_not_exist_and_a_scope_of_the_same_name_are_warnings(configured):
    make_api(API, "groups")
    assert ids(check_groups(databases=["default"])) == [], "no group is chosen"
    configured(GROUPS_CLAIM=["editors"])
    assert ids(check_groups(databases=["default"])) == ["tokens.W207", "tokens.W208"]
    assert ids(check_groups(databases=None)) == []
    Group.objects.create(name="editors")
    assert ids(check_groups(databases=["default"])) == ["tokens.W208"]


@pytest.mark.django_db
def test_a_database_that_does_not_answer_stops_no_command(configured):
    configured(GROUPS_CLAIM=["editors"])

    def away(*_):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        assert check_groups(databases=["default"]) == []
