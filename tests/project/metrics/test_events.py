"""The metrics that count audit events and logins. A client cannot create new time series by its requests."""

import secrets
from threading import Event, Thread

import pytest
from django.utils import timezone

from project.metrics import catalog, events, labels
from tests.project.metrics.conftest import series
from tests.tokens.factories import basic, make_api, make_client, operation, post, with_secret
from tokens.audit import trail
from tokens.grants.table import GRANT_TYPES
from tokens.keys import rotation
from tokens.limits.password_slots import Bound, Busy

FORM = {"grant_type": "client_credentials", "scope": "notes:read"}


@pytest.fixture
def service(db):
    make_api("https://api.example/", "notes:read", "notes:write")
    rotation.rotate(operation())
    return with_secret(make_client("service", "client_credentials"))


def test_a_token_is_counted_by_grant_type_and_kind_of_client(client, counted, service):
    for _ in range(2):
        assert post(client, "/oauth/token", FORM, **basic("service", service.plain)).status_code == 200
    wanted = {"grant_type": "client_credentials", "client_kind": "confidential"}
    assert counted.get_sample_value("keyturn_tokens_issued_total", wanted) == 2
    assert counted.get_sample_value("keyturn_audit_events_total", {"event": "token.issued"}) == 2


def test_a_refusal_is_counted_by_error_and_reason(client, counted, service):
    assert post(client, "/oauth/token", FORM, **basic("service", "wrong")).status_code == 401
    wanted = {"event": "token.refused", "error": "invalid_client", "reason": "the secret is wrong, or missing"}
    assert counted.get_sample_value("keyturn_refusals_total", wanted) == 1


def test_requests_of_random_clients_for_random_things_add_no_series(client, counted, service):
    def request():
        name = secrets.token_urlsafe(6)
        form = {"grant_type": name, "scope": name, "resource": f"https://{name}.example/"}
        post(client, f"/oauth/token?{name}", form, **basic(name, name))
        post(client, "/oauth/token", FORM | form | {"grant_type": "client_credentials"}, **basic(name, "x" * 50))
        post(client, "/oauth/introspect", {"token": name}, **basic("service", name))

    request()
    before = series(counted)
    for _ in range(60):
        request()
    assert series(counted) == before


def test_ten_thousand_random_names_add_only_the_series_other(counted):
    trail.log(
        "token.issued", actor="client:a", subject="s", details={"grant": "?", "client_kind": "?"}, now=timezone.now()
    )
    details = {"error": "?", "reason": "?"}
    for action in ("token.refused", "?"):
        trail.log(action, actor="client:a", subject="s", details=details, now=timezone.now())
    before = series(counted)
    for _ in range(10_000):
        name = secrets.token_hex(4)
        events.count("token.issued", {"grant": name, "client_kind": name})
        events.count("token.refused", {"error": name, "reason": name})
        events.count(f"{name}.refused", {"error": name, "reason": name})
    assert series(counted) <= before + 2  # an unknown event is refused: one series, with its time of creation
    wanted = {"grant_type": labels.OTHER, "client_kind": labels.OTHER}
    assert counted.get_sample_value("keyturn_tokens_issued_total", wanted) == 10_001


def test_every_grant_type_and_kind_is_counted_by_its_name(counted):
    for grant_type in GRANT_TYPES:
        for kind in labels.CLIENT_KINDS:
            events.count("token.issued", {"grant": grant_type, "client_kind": kind})
            wanted = {"grant_type": grant_type, "client_kind": kind}
            assert counted.get_sample_value("keyturn_tokens_issued_total", wanted) == 1


def test_an_event_without_an_error_is_no_refusal(counted):
    events.count("consent.refused", {})
    assert counted.get_sample_value("keyturn_audit_events_total", {"event": "consent.refused"}) == 1
    assert not any(sample.name == catalog.REFUSALS.name for family in counted.collect() for sample in family.samples)


def test_logins_that_hash_or_wait_are_a_gauge_and_refused_ones_a_counter(counted):
    bound, inside, go_on = Bound(1, f"test-{secrets.token_hex(8)}", room=1, patience=0.01), Event(), Event()

    def hash_one():
        with bound.slot():
            inside.set()
            go_on.wait(30)

    thread = Thread(target=hash_one)
    thread.start()
    assert inside.wait(30)
    assert counted.get_sample_value("keyturn_password_hashing_logins") == 1
    with pytest.raises(Busy), bound.slot():
        pass
    go_on.set()
    thread.join()
    assert counted.get_sample_value("keyturn_password_hashing_logins") == 0
    assert counted.get_sample_value("keyturn_password_hashing_refused_total") == 1
