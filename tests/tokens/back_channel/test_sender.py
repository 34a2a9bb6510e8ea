"""The thread that sends logout messages in a serving process.

It survives outages, ends with its process, and starts again in a child process.
"""

import threading
from contextlib import nullcontext
from unittest.mock import Mock, call

from django.db import OperationalError

from tokens.back_channel import sender as module

HANGS = 60.0
"""Seconds after which a test that hangs ends."""


class Script:
    """A fake dispatcher. Each round raises the next error of a list.

    After the list, a round waits until it is woken.
    """

    def __init__(self, *errors, bound=None):
        self.errors, self.rounds, self.woken, self.bound = list(errors), 0, threading.Event(), bound

    def round(self):
        self.rounds += 1
        if self.errors:
            raise self.errors.pop(0)
        self.woken.wait(HANGS)

    def wake(self):
        self.woken.set()


def limit():
    """Return a context that stands in for a limit of the duration of database work."""
    return nullcontext()


def test_an_outage_of_the_database_is_logged_once_and_delivery_goes_on_afterwards(monkeypatch, caplog):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    script = Script(OperationalError("no answer"), OperationalError("no answer"), RuntimeError("mistake"))
    ended = threading.Event()
    thread = threading.Thread(target=module.run, args=(script, ended))
    thread.start()
    while script.rounds < 4:
        assert thread.is_alive()
    ended.set()
    script.wake()
    thread.join(HANGS)
    levels = [(record.levelname, record.message) for record in caplog.records if record.name == module.__name__]
    assert levels == [
        ("WARNING", "Logouts are not sent now: no answer"),
        ("ERROR", "The delivery of logouts failed and will be retried"),
    ]


def test_a_process_starts_one_thread_which_ends_when_it_is_stopped_and_starts_again_in_a_child(monkeypatch):
    made = []
    monkeypatch.setattr(module, "Dispatcher", lambda **given: made.append(Script(**given)) or made[-1])
    sender = module.Sender()
    sender.start_again_in_child()
    assert sender._thread is None
    sender.start(bound=limit)
    sender.start(bound=limit)
    first = sender._thread
    sender.start_again_in_child()
    assert sender._thread is not first
    assert sender._thread.is_alive()
    sender.stop()
    assert sender._thread is None
    assert [script.bound for script in made] == [None, limit, limit], "one before the start, and one for each process"
    made[1].wake()


def test_the_thread_waits_after_each_error():
    ended = Mock(is_set=Mock(side_effect=[False, False, True]))
    script = Script(OperationalError("no answer"), RuntimeError("mistake"))
    thread = threading.Thread(target=module.run, args=(script, ended))
    thread.start()
    thread.join(HANGS)
    assert ended.wait.mock_calls == [call(module.PAUSE)] * 2


def test_a_stop_waits_for_the_thread_if_one_was_started():
    sender = module.Sender()
    sender.stop()
    sender._thread = thread = Mock()
    sender.stop()
    thread.join.assert_called_once_with(module.JOIN)
