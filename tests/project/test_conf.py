"""The settings of Django that the package `project` reads."""

import pytest

from project import conf


@pytest.mark.parametrize(
    ("read", "name", "value", "default"),
    [
        (conf.is_log_json, "LOG_FORMAT", "json", "text"),
        (conf.metrics_port, "METRICS_PORT", 9464, 0),
        (conf.is_behind_proxy, "BEHIND_PROXY", True, False),
        (conf.answer_within, "ANSWER_WITHIN", 7.5, 30.0),
        (conf.database_connections, "DATABASE_CONNECTIONS", 8, 0),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_a_setting_that_foreign_settings_can_lack_has_a_default(settings, read, name, value, default):
    setattr(settings, name, value)
    assert read() == (value if name != "LOG_FORMAT" else True)
    delattr(settings, name)
    assert read() == (default if name != "LOG_FORMAT" else False)
