"""Values of the setting ISSUER that are refused when the settings are read."""

from datetime import timedelta

import pytest

from tokens import conf
from tokens.conf import MalformedSetting


def test_a_retention_below_thirty_days_is_refused(settings):
    settings.ISSUER = {**settings.ISSUER, "AUDIT_RETENTION": timedelta(days=29)}
    with pytest.raises(MalformedSetting, match="at least 30 days"):
        conf.issuer()


def test_sign_up_needs_mail(settings):
    settings.ISSUER = settings.ISSUER | {"SIGN_UP": True, "SENDS_MAIL": False}
    with pytest.raises(MalformedSetting, match="EMAIL_URL"):
        conf.issuer()
