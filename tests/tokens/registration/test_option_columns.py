"""The tables that map the options of recipes to columns of a client and to fields of `Registration`.

The command, the admin and the manifest use the same tables.
"""

from dataclasses import fields

import pytest

from tokens.manifest import plan, preset
from tokens.models import Client, PkceRule
from tokens.recipes.options import CREATE_CLIENT
from tokens.registration import option_columns
from tokens.registration.client import Registration


def test_each_option_of_a_recipe_is_in_one_table():
    tables = [*option_columns.REGISTRATION, *option_columns.SWITCHES, *option_columns.WORDS]
    assert sorted(tables) == sorted(CREATE_CLIENT)


def test_each_entry_is_a_column_or_a_field():
    assert set(option_columns.REGISTRATION) <= {field.name for field in fields(Registration)}
    columns = {field.name for field in Client._meta.get_fields()}
    assert {*option_columns.SWITCHES.values(), *option_columns.WORDS.values()} <= columns


def test_each_option_but_two_has_a_field_in_a_manifest():
    assert set(CREATE_CLIENT) - set(preset.OPTIONS) == {"public", "client_id"}
    assert set(preset.OPTIONS.values()) <= set(plan.CLIENT)


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ({}, {}),
        ({"pkce": "nonce", "skip_consent": True}, {"pkce": "nonce", "skip_authorization": True}),
        ({"pkce": PkceRule.REQUIRED.value, "skip_consent": False, "claims_in_id_token": None}, {}),
        (
            {"origins": ["https://a.example", "https://b.example"]},
            {"allowed_origins": "https://a.example https://b.example"},
        ),
    ],
)
def test_options_become_columns(options, columns):
    assert option_columns.policy(options) == {"post_logout_redirect_uris": "", "allowed_origins": ""} | columns
