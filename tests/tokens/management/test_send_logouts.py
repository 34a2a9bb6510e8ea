"""`send_logouts --once` delivers the logout messages that are due, and reports the remaining ones."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.resources.loopback import loopback, status
from tests.tokens.factories import make_client
from tokens.models import LogoutMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]


@pytest.fixture
def message(settings):
    settings.DEBUG = True
    now = timezone.now() - timedelta(seconds=1)
    with loopback() as server:
        server.answers["/accepts"] = status(204)
        server.answers["/refuses"] = status(400)

        def write(path):
            client = make_client(path[1:], public=True, scopes=(), backchannel_logout_uri=server.url + path)
            values = {"created_at": now, "due_at": now, "give_up_at": now + timedelta(days=1)}
            return LogoutMessage.objects.create(client=client, sub="u-1", sid="s-1", **values)

        yield write


def run(*arguments):
    out = StringIO()
    call_command("send_logouts", "--once", *arguments, stdout=out)
    return out.getvalue()


def test_the_figures_say_what_was_done_and_what_is_left(message):
    message("/accepts")
    message("/refuses")
    figures = json.loads(run("--json"))
    assert figures.pop("oldest_seconds") >= 0
    assert figures == {"delivered": 1, "failed": 1, "given_up": 0, "pending": 1, "dead": 0}


def test_without_json_the_figures_are_one_line(message):
    message("/accepts")
    assert run() == "delivered 1, failed 0, given up 0, pending 0, oldest seconds 0, dead 0\n"
