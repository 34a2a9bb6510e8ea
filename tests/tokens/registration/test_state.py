"""The registered state of a client or an API has each column that an operator can set."""

import pytest

from tokens.models import Api, Client
from tokens.registration import state


def test_every_column_of_a_client_and_an_api_can_be_in_a_file():
    elsewhere = {
        *("id", "client_id", "client_type", "created", "updated", "user", "last_used_on", "registered_by", "recipe"),
        *(
            "client_secret",
            "hash_client_secret",
            "authorization_grant_type",
            "algorithm",
            "registration_source",
            "cimd_expires_at",
        ),
    }
    fields = {field.name for field in Client._meta.get_fields() if field.concrete and not field.auto_created}
    assert {state.NAMES.get(name, name) for name in state.CLIENT_FIELDS} == fields - elsewhere
    fields = {field.name for field in Api._meta.get_fields() if field.concrete}
    assert {*state.API_FIELDS} == fields - {"id", "identifier", "ring", "previous_ring", "moves_at"}


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("factor", ["", "any", "passkey"])
def test_a_client_with_the_columns_of_a_state_has_that_state(on, factor):
    wanted = state.DEFAULTS | dict.fromkeys(state.FLAGS, on) | {"name": "App", "second_factor": factor}
    assert state.of_client(Client(**state.columns(wanted)), (), ()) == wanted


def test_a_switch_that_is_off_as_by_default_is_stored_as_null_if_its_column_can_be():
    stored = state.columns(state.DEFAULTS | {"remembers_consent": False})
    assert (stored["claims_in_id_token"], stored["remembers_consent"]) == (None, False)
    assert stored["skip_authorization"] is False
    assert state.of_client(Client(remembers_consent=None), (), ())["remembers_consent"]
