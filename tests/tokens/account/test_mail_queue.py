"""The queue of mail, and the thread that sends it."""

import queue
import threading
from unittest.mock import Mock

import pytest
from django.utils import translation

from tokens.account import mail_queue
from tokens.account.mail_queue import MailQueue, later


def test_work_is_done_in_another_thread_in_the_order_of_its_arrival():
    mail, done, end = MailQueue(), [], threading.Event()
    mail.put(lambda: done.append(threading.current_thread()))
    mail.put(lambda: done.append("second"))
    mail.put(end.set)
    assert end.wait(10)
    assert done[0] is not threading.current_thread()
    assert done[0].daemon, "a process ends without waiting for an idle thread"
    assert done[1:] == ["second"]


def test_a_failure_stops_nothing_and_its_text_is_not_logged(caplog):
    mail, end = MailQueue(), threading.Event()

    def fail():
        raise OSError("ada@example.org is refused")

    mail.put(fail)
    mail.put(end.set)
    assert end.wait(10)
    assert "OSError" in caplog.text
    assert "ada@example.org" not in caplog.text


def test_work_beyond_the_bound_is_dropped_with_a_line_in_the_log(caplog, monkeypatch):
    mail, release, started = MailQueue(), threading.Event(), threading.Event()
    monkeypatch.setattr(mail, "_work", queue.Queue(1))

    def wait():
        started.set()
        release.wait(10)

    mail.put(wait)
    assert started.wait(10)
    for _ in range(2):
        mail.put(lambda: None)
    release.set()
    assert "was not sent" in caplog.text


def test_an_idle_thread_ends_and_the_next_work_starts_another(monkeypatch):
    monkeypatch.setattr(mail_queue, "IDLE", 0.01)
    mail, threads, started = MailQueue(), [], queue.Queue()
    for _ in range(2):
        mail.put(lambda: started.put(threading.current_thread()))
        threads.append(started.get(timeout=10))
        threads[-1].join(10)
    assert len({id(thread) for thread in threads}) == 2
    assert not any(thread.is_alive() for thread in threads)


def test_an_idle_thread_closes_its_database_connections_before_it_ends(monkeypatch):
    monkeypatch.setattr(mail_queue, "IDLE", 0.01)
    closed, started = [], queue.Queue()
    close_all = Mock(side_effect=lambda: closed.append(threading.current_thread()))
    monkeypatch.setattr(mail_queue, "connections", Mock(close_all=close_all))
    mail = MailQueue()
    mail.put(lambda: started.put(threading.current_thread()))
    thread = started.get(timeout=10)
    thread.join(10)
    assert closed == [thread]


def test_work_has_the_language_of_the_page_that_queues_it(monkeypatch):
    queued, languages = [], []
    monkeypatch.setattr(mail_queue.process_queue, "put", queued.append)
    with translation.override("de"):
        later(lambda: languages.append(translation.get_language()))
    with translation.override("en-us"):
        queued[0]()
        assert (languages, translation.get_language()) == (["de"], "en-us")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_ends_its_thread_does_not_stop_the_mail(monkeypatch):
    closed = Mock()
    monkeypatch.setattr(mail_queue, "connections", closed)
    mail, started, queued = MailQueue(), threading.Event(), threading.Event()
    threads, waiting, later_on = [], threading.Event(), threading.Event()

    def end_the_thread():
        threads.append(threading.current_thread())
        started.set()
        queued.wait(10)
        raise SystemExit

    mail.put(end_the_thread)
    assert started.wait(10)
    mail.put(waiting.set)
    queued.set()
    assert waiting.wait(10), "another thread does the work that waits"
    threads[0].join(10)
    closed.close_all.assert_called_once_with()
    mail.put(later_on.set)
    assert later_on.wait(10)


def test_a_thread_that_cannot_start_is_tried_again_with_the_next_work(monkeypatch):
    mail, end = MailQueue(), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError):
            mail.put(lambda: None)
    mail.put(end.set)
    assert end.wait(10)
