"""A poller has one thread per process, a new one after a fork, and none after its owner is deleted."""

import gc
import os
import threading
import weakref

from resources.issuers.poller import Poller

PATIENCE = 60.0  # seconds that a test waits for a thread of its own


class Owner:
    """An owner of a poller. It counts the calls of `work`, which come `pause` seconds apart."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.calls = threading.Semaphore(0)
        self.threads: set[int] = set()

    def work(self) -> float:
        self.threads.add(threading.get_ident())
        self.calls.release()
        return self.pause

    def called(self, times: int) -> bool:
        return all(self.calls.acquire(timeout=PATIENCE) for _ in range(times))


def test_the_work_runs_repeatedly_after_the_start_and_not_before() -> None:
    owner = Owner(0)
    poller = Poller(owner, Owner.work, name="test")
    assert not owner.threads
    for _ in range(3):
        poller.start()
    assert owner.called(3)
    assert len(owner.threads) == 1


def test_the_thread_ends_with_its_owner() -> None:
    owner = Owner(3600)
    poller = Poller(owner, Owner.work, name="test-ends")
    poller.start()
    assert owner.called(1)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "test-ends"]
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_forked_process_gets_a_thread_of_its_own() -> None:
    owner = Owner(3600)
    poller = Poller(owner, Owner.work, name="test")
    poller.start()
    assert owner.called(1)
    child = os.fork()
    if child == 0:
        poller.start()
        os._exit(0 if owner.called(1) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_without_threads_the_next_use_tries_again(monkeypatch, caplog) -> None:
    owner = Owner(3600)
    poller = Poller(owner, Owner.work, name="test")

    def none(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", none)
        poller.start()
    assert "cannot be started" in caplog.text
    poller.start()
    assert owner.called(1)
