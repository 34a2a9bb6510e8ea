"""Judge what a configuration lacks for a clause of FAPI 2.0. Each returns sentences, none if nothing is missing."""

from tokens.checks.fapi2_configuration import Configuration, Judge
from tokens.models import fapi2


def https(configuration: Configuration) -> list[str]:
    """Require a URL of the issuer with https."""
    return [] if configuration.issuer.startswith("https://") else ["the issuer's URL does not begin with https://"]


def held(configuration: Configuration) -> list[str]:
    """Require that the profile holds for a client."""
    if configuration.held or configuration.is_for_all:
        return []
    return ["no client follows the profile: create_client --fapi2, or FAPI2=true"]


def lacking(problem: str) -> Judge:
    """Return a judge that names the clients with this problem."""

    def judge(configuration: Configuration) -> list[str]:
        with_it = [name for name, problems in configuration.problems.items() if problem in problems]
        return held(configuration) + [f"client {name}: {problem}" for name in with_it]

    return judge


def algorithms(configuration: Configuration) -> list[str]:
    """Return the rings that sign by an algorithm that the profile does not permit, and for which client or API."""
    used = {"default": ["access tokens for userinfo"]}
    for client_id, ring in configuration.id_tokens.items():
        used.setdefault(ring, []).append(f"ID tokens of {client_id}")
    for api, ring in configuration.apis.items():
        used.setdefault(ring, []).append(api)
    return [
        f"the ring {ring} signs by {algorithm}: {', '.join(used[ring])}"
        for ring, algorithm in configuration.algorithms.items()
        if ring in used and algorithm not in fapi2.ALGORITHMS
    ]
