"""The admin shows the reasons of refused token requests in the language of the page."""

from pathlib import Path

import pytest
from django.utils import timezone, translation

from project.metrics import labels
from tests.tokens.factories import make_client
from tokens.admin.refusal_reason import TEXTS, translated_reason
from tokens.audit import tally
from tokens.models import ClientActivity, DailyCount

TOKENS = Path(__file__).resolve().parent.parent.parent.parent / "tokens"
SOURCE = "".join(path.read_text(encoding="utf-8") for path in TOKENS.rglob("*.py") if path.name != "refusal_reason.py")
OTHER_ENDPOINTS = {"a public client cannot introspect", "The token was issued to another client."}


def test_each_reason_that_the_metrics_count_apart_is_translated():
    assert labels.REASONS - TEXTS == OTHER_ENDPOINTS


@pytest.mark.parametrize("reason", sorted(TEXTS - {"A scope is unknown, or this client may not request it."}))
def test_a_translated_reason_is_one_of_the_issuer_s(reason):
    refusal, _, cause = reason.partition(": ")
    is_composed = f'"{refusal}: {{' in SOURCE and f'"{cause}"' in SOURCE
    assert f'"{reason}"' in SOURCE or f"{reason}'" in SOURCE or is_composed


def test_the_reason_of_a_scope_is_the_one_that_the_log_gets():
    assert '"{} is unknown, or this client may not request it."' in SOURCE


def test_a_reason_is_in_the_language_of_the_page():
    with translation.override("de"):
        assert translated_reason("no such user") == "kein solcher Benutzer"
        assert all(translated_reason(reason) != reason for reason in TEXTS)
    with translation.override("en"):
        assert [translated_reason(reason) for reason in sorted(TEXTS)] == sorted(TEXTS)


@pytest.mark.parametrize("reason", ["its alg is not one of RS256", "Save", "", "no such user "])
def test_any_other_reason_is_shown_as_it_is(reason):
    """A text that is not a reason is not translated, even if the catalogue has a translation, as for `Save`."""
    with translation.override("de"):
        assert translated_reason(reason) == reason


@pytest.mark.django_db
def test_the_dashboard_and_the_page_of_a_client_show_reasons_in_german(admin):
    now = timezone.now()
    for name in ("no such user", "an older reason", tally.OTHER):
        DailyCount.objects.create(day=now.date(), action="token.refused", name=name, number=3)
    made = make_client("shop")
    ClientActivity.objects.create(client_id="shop", refused_at=now, refusal="The user refused.")
    with translation.override("de"):
        board = admin.get("/admin/").content.decode()
        page = admin.get(f"/admin/tokens/client/{made.pk}/change/").content.decode()
    for text in ("kein solcher Benutzer", "an older reason", "andere"):
        assert f"<dt>{text}</dt>" in board
    assert "Der Benutzer hat abgelehnt." in page
