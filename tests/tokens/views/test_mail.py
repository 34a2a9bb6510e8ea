import queue
import threading

import pytest

from tokens.views import mail


def test_work_is_done_in_another_thread_in_the_order_of_its_arrival():
    outbox, done, end = mail.Outbox(), [], threading.Event()
    outbox.put(lambda: done.append(threading.current_thread()))
    outbox.put(lambda: done.append("second"))
    outbox.put(end.set)
    assert end.wait(10)
    assert done[0] is not threading.current_thread()
    assert done[1:] == ["second"]


def test_a_failure_stops_nothing_and_its_text_is_not_logged(caplog):
    outbox, end = mail.Outbox(), threading.Event()

    def fail():
        raise OSError("ada@example.org is refused")

    outbox.put(fail)
    outbox.put(end.set)
    assert end.wait(10)
    assert "OSError" in caplog.text
    assert "ada@example.org" not in caplog.text


def test_work_beyond_the_bound_is_dropped_with_a_line_in_the_log(caplog, monkeypatch):
    outbox, release, started = mail.Outbox(), threading.Event(), threading.Event()
    monkeypatch.setattr(outbox, "_work", queue.Queue(1))

    def wait():
        started.set()
        release.wait(10)

    outbox.put(wait)
    assert started.wait(10)
    for _ in range(2):
        outbox.put(lambda: None)
    release.set()
    assert "was not sent" in caplog.text


def test_an_idle_thread_ends_and_the_next_work_starts_another(monkeypatch):
    monkeypatch.setattr(mail, "IDLE", 0.01)
    outbox, threads = mail.Outbox(), []
    for _ in range(2):
        end = threading.Event()
        outbox.put(lambda: threads.append(threading.current_thread()))
        outbox.put(end.set)
        assert end.wait(10)
        threads[-1].join(10)
    assert len({id(thread) for thread in threads}) == 2
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("issuer", ["https://issuer.example", "https://a.example:8443/b"])
def test_addresses_in_mail_are_made_of_the_issuer_s_url(settings, issuer):
    settings.ISSUER = settings.ISSUER | {"URL": issuer}
    assert mail.address("account_login") == f"{issuer}/accounts/login/"
    assert mail.site()["current_site"].name == issuer.split("/")[2]
