"""The registered state of a client or an API has each column that an operator can set."""

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
