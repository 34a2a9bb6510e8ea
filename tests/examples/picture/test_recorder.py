"""The recorder stores a bounded number of exchanges (HTTP request and response).

A new login deletes the earlier exchanges of the browser.
"""

from examples.webapp.picture.exchange import Exchange
from examples.webapp.picture.recorder import Recorder


def exchange(kind: str, status: int = 200) -> Exchange:
    return Exchange(kind, "GET", "http://x/", status)


def kinds(recorder: Recorder, browser: str) -> list[str] | None:
    flow = recorder.flow(browser)
    return list(flow.exchanges) if flow else None


def test_the_last_exchange_of_each_kind_is_kept_and_the_version_grows() -> None:
    recorder = Recorder()
    for status in (200, 401):
        recorder.add("a", exchange("api", status))
    flow = recorder.flow("a")
    assert flow
    assert (flow.version, flow.exchanges["api"].status, len(flow.exchanges)) == (2, 401, 1)


def test_a_login_clears_earlier_entries_but_not_the_version() -> None:
    recorder = Recorder()
    for kind in ("api", "token", "login"):
        recorder.add("a", exchange(kind))
    flow = recorder.flow("a")
    assert flow
    assert (kinds(recorder, "a"), flow.version) == (["login"], 3)


def test_browsers_are_apart_and_the_one_that_was_idle_for_longest_is_evicted() -> None:
    recorder = Recorder(most=2)
    for browser, kind in (("a", "api"), ("b", "token"), ("a", "jwks"), ("c", "api")):
        recorder.add(browser, exchange(kind))
    assert [kinds(recorder, browser) for browser in "abc"] == [["api", "jwks"], None, ["api"]]


def test_an_identifier_that_the_recorder_did_not_make_is_replaced() -> None:
    recorder = Recorder()
    own = recorder.identifier("planted")
    assert own not in {"planted", recorder.identifier("planted")}
    recorder.add(own, exchange("login"))
    assert recorder.identifier(own) == own
