"""What the log says about requests for a foreign Host."""

import logging

from project.logs import WrongHost


def record(at: float) -> logging.LogRecord:
    error = ValueError()
    info = (ValueError, error, None)
    said = "Invalid HTTP_HOST: 'a%sb'."
    one = logging.LogRecord("django.security.DisallowedHost", logging.ERROR, "", 0, said, (), info)
    one.created = at
    return one


def test_one_line_a_minute_names_the_remedy_and_has_no_traceback():
    passes, first = WrongHost().filter, record(1000.0)
    assert passes(first)
    assert first.getMessage().startswith("Invalid HTTP_HOST: 'a%sb'. If that is not a name of this service")
    assert "proxy_set_header Host $host;" in first.getMessage()
    assert "ALLOWED_HOSTS" in first.getMessage()
    assert first.exc_info is None
    assert not passes(record(1059.9))
    assert passes(record(1060.0))


def test_a_second_configuration_of_the_log_neither_repeats_the_remedy_nor_drops_the_line():
    """Python's dictConfig adds filters to those that a logger has already: a serving process has two of them."""
    one, both = record(1000.0), (WrongHost(), WrongHost())
    assert all(each.filter(one) for each in both)
    assert one.getMessage().count("ALLOWED_HOSTS") == 1
