"""The signature algorithm of ID tokens that a client can choose.

The issuer must have a ring (set of signing keys) with this algorithm. The rule is the same in each way to register a
client.
"""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.tokens.admin.conftest import admin, form
from tests.tokens.admin.test_claim_switches import CLIENTS, SECRETS
from tests.tokens.factories import log_in, make_client
from tests.tokens.keys.id_rings import begin, default_ring
from tests.tokens.open_clients.conftest import hosts, turn_on
from tests.tokens.open_clients.test_document_client import error_of, later, requested
from tests.tokens.views.test_dynamic_registration import PUBLIC, browser, call, mode, refused, registered, send
from tokens.models import AuditEvent, Client, fapi2, id_token_algorithm
from tokens.registration.client import Registration, register

__all__ = ["admin", "browser", "default_ring", "form", "hosts", "mode", "turn_on"]
NAME = "id_token_signed_response_alg"
UNKNOWN = ["none", "HS256", "RS384", "es256", "ES512"]
CODE = ("--grant", "authorization_code", "--redirect-uri", "https://client.example/callback")


def create(*options):
    call_command("create_client", "--name", "A", *CODE, *options, stdout=StringIO())


def chosen():
    return Client.objects.values_list(NAME, flat=True).get()


@pytest.mark.usefixtures("default_ring")
def test_a_new_ring_can_be_chosen_once_its_first_key_signs():
    begin("ES256", ago=timedelta(0))
    with pytest.raises(CommandError, match=r"rotate_keys --ring id-ES256 --algorithm ES256"):
        create("--id-token-alg", "ES256")
    assert not Client.objects.exists()


@pytest.mark.usefixtures("default_ring")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS256"])
def test_the_option_chooses_and_the_audit_trail_records_it(algorithm):
    if algorithm != "RS256":
        begin(algorithm)
    create("--id-token-alg", algorithm)
    assert chosen() == algorithm
    assert AuditEvent.objects.get(action="client.created").details[NAME] == algorithm


def test_without_the_option_there_is_no_choice(db):
    create()
    assert chosen() is None
    assert NAME not in AuditEvent.objects.get(action="client.created").details


@pytest.mark.usefixtures("default_ring")
def test_the_ring_of_an_api_signs_no_id_tokens():
    call_command("rotate_keys", "--ring", "orders", "--algorithm", "ES256", verbosity=0)
    with pytest.raises(CommandError, match="No ring signs ID tokens with ES256"):
        create("--id-token-alg", "ES256")


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", UNKNOWN)
def test_another_algorithm_is_no_choice(algorithm):
    with pytest.raises(CommandError, match="invalid choice"):
        create("--id-token-alg", algorithm)
    client = Client(client_id="a", name="a", id_token_signed_response_alg=algorithm)
    assert "No ring signs" in id_token_algorithm.problem(algorithm)
    with pytest.raises(Exception, match="not a valid choice"):
        client.full_clean()


@pytest.mark.usefixtures("default_ring")
def test_the_admin_saves_a_choice_and_names_the_missing_ring(admin, form):
    register(Registration(name="Reports", client_id="reports"), actor="test", now=timezone.now())
    page = f"{CLIENTS}{Client.objects.get().pk}/change/"
    answer = admin.post(page, form | SECRETS | {NAME: "ES256"})
    assert "rotate_keys --ring id-ES256" in answer.content.decode()
    begin("ES256")
    assert admin.post(page, form | SECRETS | {NAME: "ES256"}).status_code == 302
    assert chosen() == "ES256"
    event = AuditEvent.objects.filter(action="client.changed").order_by("pk").last()
    assert event.details[NAME] == ["None", "ES256"]
    assert admin.post(page, form | SECRETS | {NAME: ""}).status_code == 302
    assert chosen() is None
    assert "not one of the available choices" in admin.post(page, form | SECRETS | {NAME: "none"}).content.decode()


def test_dynamic_registration_takes_a_choice_returns_it_and_can_change_it(browser, default_ring):
    begin("EdDSA")
    registration = registered(browser, **{NAME: "EdDSA"})
    assert (registration[NAME], chosen()) == ("EdDSA", "EdDSA")
    address, token = registration["registration_client_uri"], registration["registration_access_token"]
    body = PUBLIC | {"client_id": registration["client_id"]}
    assert call(browser, "PUT", address, token, body | {NAME: "PS256"}).json()["error"] == "invalid_client_metadata"
    assert chosen() == "EdDSA"
    assert NAME not in call(browser, "PUT", address, token, body).json()
    assert chosen() is None


@pytest.mark.parametrize("algorithm", [*UNKNOWN, "ES256", 7, ["ES256"]])
def test_dynamic_registration_refuses_what_no_ring_signs(browser, default_ring, algorithm):
    refused(send(browser, PUBLIC | {NAME: algorithm}), 400, "invalid_client_metadata")


def test_a_document_chooses_and_is_refused_for_what_no_ring_signs(client, user, apis, hosts, signer, default_ring, at):
    begin("ES256")
    log_in(client, user)
    hosts.publish(**{NAME: "ES256"})
    assert client.get("/oauth/authorize", requested()).status_code == 200
    assert chosen() == "ES256"
    hosts.publish(**{NAME: "PS256"})
    later(at)
    assert "No ring signs ID tokens with PS256" in error_of(client.get("/oauth/authorize", requested()))
    assert chosen() == "ES256"


@pytest.mark.usefixtures("default_ring")
def test_check_names_the_clients_that_get_no_id_tokens():
    begin("ES256")
    make_client("good", id_token_signed_response_alg="ES256")
    make_client("plain")
    make_client("old", id_token_signed_response_alg="PS256", is_active=False)
    make_client("bad", id_token_signed_response_alg="PS256")
    messages = [(message.id, message.msg) for message in run_checks(tags=["clients"], include_deployment_checks=True)]
    assert [identifier for identifier, _ in messages] == ["tokens.E212"]
    assert messages[0][1].startswith("The client bad gets no ID tokens. No ring signs ID tokens with PS256 yet. Run")
    assert run_checks(tags=["clients"]) == []


@pytest.mark.parametrize(("algorithm", "is_wrong"), [("RS256", True), ("ES256", False), ("", False), (None, False)])
def test_a_client_of_fapi_2_cannot_choose_rs256(algorithm, is_wrong):
    client = Client(token_endpoint_auth_method="private_key_jwt", id_token_signed_response_alg=algorithm)
    assert (fapi2.NO_RS256 in fapi2.problems(client)) is is_wrong


def test_the_report_on_fapi_2_judges_the_ring_of_each_client(apis, default_ring):
    begin("ES256")
    make_client("new", security_profile="fapi2", id_token_signed_response_alg="ES256")
    make_client("old", security_profile="fapi2")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("conformance", "--profile", "fapi2", "--json", stdout=out)
    (clause,) = [each for each in json.loads(out.getvalue())["clauses"] if each["clause"] == "5.4.1-1"]
    assert "ID tokens of old" in clause["missing"][0]
    assert "ID tokens of new" not in str(clause["missing"])
