"""Report which clauses of a security profile this configuration meets (`manage.py conformance`)."""

from collections.abc import Iterable
from dataclasses import dataclass

from tokens import conf
from tokens.checks.fapi2_clauses import CLAUSES
from tokens.checks.fapi2_configuration import Configuration, State
from tokens.keys import rings
from tokens.keys.rules.moves import DEFAULT_RING
from tokens.models import Api, Client, fapi2
from tokens.models.key import Ring


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseReport:
    """The state of one clause of the security profile."""

    clause: str
    text: str
    state: str
    """`met`, `not met`, `outside` or `choice`."""
    missing: tuple[str, ...]
    """What is missing, each with its remedy or place."""
    test: str


def configuration() -> Configuration:
    """Return the clients, APIs and settings for the report, read from the database and the settings."""
    settings = conf.issuer()
    clients = [client for client in Client.objects.filter(is_active=True).order_by("client_id") if client.follows_fapi2]
    return Configuration(
        issuer=settings.url,
        fapi2_clients=tuple(client.client_id for client in clients),
        problems={client.client_id: tuple(fapi2.problems(client)) for client in clients},
        is_for_all=settings.requests.follows_fapi2,
        algorithms=dict(Ring.objects.values_list("name", "algorithm")),
        id_tokens={client.client_id: rings.for_client(client.id_token_signed_response_alg) for client in clients},
        apis={api.identifier: api.ring.name if api.ring else DEFAULT_RING for api in _apis()},
    )


def report(configuration: Configuration) -> list[ClauseReport]:
    """Return the state of each clause of the FAPI 2.0 Security Profile."""
    findings = []
    for clause in CLAUSES:
        state, missing = clause.state(configuration)
        findings.append(
            ClauseReport(
                clause=clause.number,
                text=clause.text,
                state=state.value,
                missing=tuple(missing),
                test=clause.test,
            )
        )
    return findings


def is_met(findings: Iterable[ClauseReport]) -> bool:
    """Return True if no clause in `findings`, the result of `report`, is "not met"."""
    return all(finding.state != State.NOT_MET.value for finding in findings)


def _apis() -> Iterable[Api]:
    return Api.objects.select_related("ring").order_by("identifier")
