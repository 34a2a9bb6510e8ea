import pytest

from tokens.views import mail


@pytest.mark.parametrize("issuer", ["https://issuer.example", "https://a.example:8443/b"])
def test_addresses_in_mail_are_made_of_the_issuer_s_url(settings, issuer):
    settings.ISSUER = settings.ISSUER | {"URL": issuer}
    assert mail.address("account_login") == f"{issuer}/accounts/login/"
    assert mail.site()["current_site"].name == issuer.split("/")[2]
