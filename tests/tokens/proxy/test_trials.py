"""The trials of `check_proxy` against a scripted server. tests/proxies runs them against real proxies."""

from dataclasses import dataclass, field

import pytest

from tokens.proxy import connection_trials, content_trials, header_trials, report, trials
from tokens.proxy.trial_server import JWKS
from tokens.proxy.wire import Answer, NoAnswer


@dataclass
class Scripted:
    """A fake server with prepared answers, by path, or by path and header (`by_header`).

    It does not answer requests for other paths.
    """

    answers: dict
    by_header: dict = field(default_factory=dict)
    context: object = None
    token: str = ""

    def send(self, path, headers, *, host=None):
        name = path.partition("?")[0]
        answer = next(
            (self.by_header[name, header] for header in (host, *headers) if (name, header) in self.by_header), None
        )
        answer = answer or self.answers.get(name)
        if answer is None:
            raise NoAnswer("timed out")
        return answer

    def status(self, path, headers=None, *, host=None):
        try:
            return self.send(path, headers or {}, host=host).status
        except NoAnswer as error:
            return str(error)


def answer(status=200, body=b"", **headers):
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def levels(findings):
    return {finding.trial: finding.level for finding in findings}


CACHED = answer(etag='"1"', cache_control="max-age=300")
AGED = answer(etag='"1"', cache_control="max-age=300", age="9")
SENT, FORGED = b'{"seen": {"address": "192.0.2.1"}}', b'{"seen": {"address": "192.0.2.77"}}'


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, {"healthz": "error"}),
        ({"/healthz": answer(502)}, {"healthz": "error"}),
        ({"/healthz": answer(), "/readyz": answer()}, {"healthz": "ok", "tls": "advice"}),
        ({"/healthz": answer(), "/readyz": answer(503)}, {"healthz": "ok", "readyz": "error", "tls": "advice"}),
    ],
)
def test_reach_reports_what_does_not_answer_and_that_http_is_not_encrypted(answers, expected):
    assert levels(connection_trials.reach(Scripted(answers))) == expected


def test_if_the_first_trial_fails_no_other_is_run():
    assert levels(trials.run(Scripted({}))) == {"healthz": "error"}


@pytest.mark.parametrize(
    ("status", "level"), [(200, "ok"), (302, "ok"), (400, "ok"), (414, "error"), (431, "error"), (502, "error")]
)
def test_a_long_address_that_is_refused_is_an_error(status, level):
    findings = levels(content_trials.length(Scripted({"/oauth/authorize": answer(status)})))
    assert findings == {"4 kB address": level, "8 kB address": level}


@pytest.mark.parametrize(
    ("whole", "again", "expected"),
    [
        (CACHED, answer(304), {"caching": "ok"}),
        (CACHED, CACHED, {"caching": "advice"}),
        (answer(cache_control="max-age=300"), answer(304), {"caching": "error"}),
        (answer(etag='"1"'), answer(304), {"caching": "error"}),
        (answer(404), answer(304), {"caching": "unknown"}),
        (
            answer(etag='"1"', cache_control="max-age=300", age="9"),
            answer(304),
            {"caching": "ok", "shared cache": "advice"},
        ),
    ],
)
def test_the_jwks_keeps_its_headers_and_can_be_revalidated(whole, again, expected):
    server = Scripted({JWKS: whole}, {(JWKS, "If-None-Match"): again})
    assert levels(content_trials.caching(server)) == expected


@pytest.mark.parametrize(
    ("foreign", "level"),
    [
        (answer(400), "ok"),
        (answer(), "ok"),
        (answer(content_security_policy="default-src"), "error"),
        (answer(301, location="https://foreign.invalid/accounts/login/"), "error"),
    ],
)
def test_an_unknown_host_that_the_issuer_serves_is_an_error(foreign, level):
    server = Scripted({JWKS: answer()}, {("/accounts/login/", "foreign.invalid"): foreign})
    assert levels(header_trials.host(server)) == {"host": level}


def test_the_address_is_unknown_without_the_operators_token():
    assert levels(header_trials.address(Scripted({}))) == {"address": "unknown"}


@pytest.mark.parametrize(("seen", "level"), [(FORGED, "error"), (SENT, "ok")])
def test_an_address_that_a_header_of_the_client_replaces_is_an_error(seen, level):
    plain = answer(body=SENT)
    server = Scripted({"/readyz": plain}, {("/readyz", "X-Forwarded-For"): answer(body=seen)}, token="t")
    assert levels(header_trials.address(server)) == {"address": level}


def test_the_worst_finding_is_the_result_and_its_remedy_stands_below_it():
    findings = [*connection_trials.reach(Scripted({"/healthz": answer(), "/readyz": answer(503)}))]
    assert report.as_json("http://issuer", findings)["result"] == "error"
    assert report.as_json("http://issuer", [])["result"] == "ok"
    assert set(report.as_json("http://issuer", findings)["findings"][0]) == {"trial", "level", "found", "remedy"}
    assert "-> For the cause, run on the server" in report.as_text(findings).splitlines()[2]
