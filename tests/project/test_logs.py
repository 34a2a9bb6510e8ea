"""The two formats of the log (text and JSON), and its lines about requests for an unknown Host."""

import json
import logging
import threading

import pytest

from project.logs import AUDIT, JsonLine, LogLine, WrongHost, capture, without_addresses
from resources.telemetry.trace_context import entered, of_request


def record(at: float) -> logging.LogRecord:
    error = ValueError()
    info = (ValueError, error, None)
    said = "Invalid HTTP_HOST: 'a%sb'."
    record = logging.LogRecord("django.security.DisallowedHost", logging.ERROR, "", 0, said, (), info)
    record.created = at
    return record


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
    """Two filters of the same log add their hint about ALLOWED_HOSTS to a log line only once.

    A serving process configures its log twice, and Python's dictConfig keeps the filters that a logger already has.
    """
    log_record, both = record(1000.0), (WrongHost(), WrongHost())
    assert all(each.filter(log_record) for each in both)
    assert log_record.getMessage().count("ALLOWED_HOSTS") == 1


HOSTILE = "a\r\n2027-01-31 12:00:00,000 INFO tokens.audit: forged \x1b[31m\u2028 \x85 \x00"


def made(message, name="x.y", **extra):
    return logging.makeLogRecord({"name": name, "msg": message, "levelname": "INFO", "created": 0.0, **extra})


def traceback() -> tuple[type[BaseException], BaseException, object]:
    try:
        int("broken")
    except ValueError as error:
        return ValueError, error, error.__traceback__
    raise AssertionError


def test_a_json_line_is_one_object_with_time_level_logger_and_message():
    assert json.loads(JsonLine().format(made("hello %s", args=("you",)))) == {
        "at": "1970-01-01T00:00:00.000Z",
        "level": "INFO",
        "logger": "x.y",
        "message": "hello you",
    }


@pytest.mark.parametrize("formatter", [JsonLine(), LogLine("%(levelname)s %(message)s")])
def test_a_line_has_no_name_of_an_e_mail_address(formatter):
    """The local part of each e-mail address is removed from log messages and tracebacks.

    Libraries can write addresses into their messages, for example a mail library that reports an error.
    """
    info = (ValueError, ValueError("refused: ada.l@example.org"), None)
    written = formatter.format(made("to <mallory@example.org>, not to a@b or x@example", exc_info=info))
    assert "ada" not in written
    assert "mallory" not in written
    assert written.count("@example.org") == 2
    assert "a@b or x@example" in written


def test_a_long_text_takes_linear_time():
    """Addresses are removed from a text in linear time. A quadratic algorithm would need minutes for these texts.

    A client can cause a log line with a long text.
    """
    for text in ("a" * 500_000 + " @", "a@" * 250_000, "x@" + "b." * 250_000):
        assert len(without_addresses(text)) >= len(text)


def test_a_json_line_has_the_ids_of_its_request():
    with entered(of_request("12345678", f"00-{'1' * 32}-{'2' * 16}-01")):
        written = json.loads(JsonLine().format(made("x")))
        audited = json.loads(JsonLine().format(made('{"action": "a.b"}', AUDIT)))
    assert (written["request"], written["trace"]) == ("12345678", "1" * 32)
    assert audited == {
        "action": "a.b",
        "level": "INFO",
        "logger": AUDIT,
        "request": "12345678",
        "trace": "1" * 32,
    }


def test_a_json_line_has_the_traceback_and_further_fields():
    record = made("x", exc_info=traceback(), fields={"status": 200})
    written = json.loads(JsonLine().format(record))
    assert written["status"] == 200
    assert written["exception"].startswith("Traceback")
    assert written["exception"].endswith("'broken'")


def test_hostile_text_forges_no_line_in_either_format():
    written = JsonLine().format(made(HOSTILE))
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written)["message"] == HOSTILE
    text = LogLine("%(levelname)s%(request_id)s: %(message)s").format(made(HOSTILE))
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


def test_text_has_its_traceback_on_lines_of_its_own():
    record = made("x", exc_info=traceback())
    lines = LogLine("%(message)s%(request_id)s").format(record).splitlines()
    assert lines[:2] == ["x", "Traceback (most recent call last):"]
    assert lines[-1].startswith("ValueError: ")


def test_an_error_that_ends_a_thread_is_logged(caplog, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", None)
    monkeypatch.setattr(logging, "captureWarnings", lambda *, capture: None)
    capture()
    threading.excepthook(threading.ExceptHookArgs((*traceback(), None)))
    assert "ended by an error" in caplog.text
    assert "'broken'" in caplog.text
