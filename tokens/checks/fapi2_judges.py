"""Functions that check a configuration against FAPI 2.0. Each returns a list of sentences, one for each problem."""

from tokens.checks.fapi2_configuration import Configuration, Judge
from tokens.models import fapi2


def https(configuration: Configuration) -> list[str]:
    """Return [] if the issuer's URL is https, else a list with one sentence about the problem."""
    return [] if configuration.issuer.startswith("https://") else ["the issuer's URL does not begin with https://"]


def unused_profile(configuration: Configuration) -> list[str]:
    """Return [] if any client has to follow the profile, else a list with the sentence that no client follows it."""
    if configuration.fapi2_clients or configuration.is_for_all:
        return []
    return ["no client follows the profile: create_client --fapi2, or FAPI2=true"]


def lacking(problem: str) -> Judge:
    """Return a function that lists the clients whose registration has this `problem`, one sentence for each.

    `problem` is a text of `fapi2.problems`. If no client has to follow the profile, the returned function returns the
    result of `unused_profile`.
    """

    def judge(configuration: Configuration) -> list[str]:
        with_it = [name for name, problems in configuration.problems.items() if problem in problems]
        return unused_profile(configuration) + [f"client {name}: {problem}" for name in with_it]

    return judge


def algorithms(configuration: Configuration) -> list[str]:
    """Return a sentence for each key ring in use whose algorithm the profile does not permit.

    The sentence names the clients and APIs that use the ring.
    """
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
