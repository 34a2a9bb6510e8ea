"""The system check of clients: `check --deploy` names those that may log users in without PKCE."""

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError

from tests.tokens.factories import make_client
from tokens.models import Client


def messages():
    reported = run_checks(tags=["clients"], include_deployment_checks=True)
    return [(message.id, message.msg) for message in reported]


@pytest.mark.django_db
def test_each_client_below_required_is_named(webapp, spa):
    assert messages() == []
    make_client("legacy", "authorization_code", pkce="optional")
    make_client("allauth", "authorization_code", pkce="nonce")
    assert messages() == [
        ("tokens.W205", "The client allauth has the PKCE rule nonce."),
        ("tokens.W205", "The client legacy has the PKCE rule optional."),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"is_active": False}, {"public": True}], ids=["inactive", "public"])
def test_a_client_that_cannot_use_the_rule_is_not_named(apis, fields):
    make_client("legacy", "authorization_code", pkce="optional", **fields)
    assert messages() == []


@pytest.mark.django_db
def test_the_check_runs_before_a_deployment_only(apis):
    make_client("legacy", "authorization_code", pkce="optional")
    assert run_checks(tags=["clients"]) == []


def test_a_database_that_does_not_answer_is_no_message(monkeypatch):
    def fail(**_):
        raise DatabaseError

    monkeypatch.setattr(Client.objects, "filter", fail)
    assert messages() == []
