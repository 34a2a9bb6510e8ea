"""The texts of the database models are translated, although none of them is marked individually."""

from django.utils import translation

from tokens.models import Api, Client, ExchangePolicy
from tokens.models.translation import fields, names, texts


def test_a_table_and_its_fields_have_names_and_help_texts_in_the_language_of_the_page():
    field = Client._meta.get_field("is_active")
    with translation.override("de"):
        assert (str(Api._meta.verbose_name_plural), str(field.help_text)) == (
            "APIs",
            "Ein inaktiver Client kann keine Tokens erhalten.",
        )
        assert (str(ExchangePolicy._meta.verbose_name), str(ExchangePolicy._meta.verbose_name_plural)) == (
            "Austauschregel",
            "Austauschregeln",
        )
        assert str(Client._meta.get_field("registered_by").verbose_name) == "registriert durch"
    with translation.override("en"):
        assert str(field.help_text) == "An inactive client cannot get tokens."


def test_the_texts_of_a_table_are_its_names_permissions_choices_and_help_texts():
    assert "Can register clients that act for users (JWT bearer)" in list(names(Client))
    translated = set(texts(Client))
    assert {"dynamic registration", "An inactive client cannot get tokens.", "further APIs", "scopes"} <= translated
    assert {field.name for field in fields(Client)} >= {"scopes", "client_id"}
