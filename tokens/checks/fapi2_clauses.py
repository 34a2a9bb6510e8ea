"""The clauses of the FAPI 2.0 Security Profile (final, February 2025), each with the test that shows it.

`CLAUSES` lists each clause in our words. A clause either holds in every configuration, or it is judged by a function of
the `Configuration`, or it is about what stands around the issuer (`OUTSIDE`). tests/tokens/checks/test_fapi2_clauses.py
checks that the named tests exist. `conformance` prints the report.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from tokens.models import fapi2

TESTS = "tests/tokens/"
PROFILE = f"{TESTS}checks/test_fapi2.py::"


class State(Enum):
    """The result of a clause in the report."""

    MET = "met"
    NOT_MET = "not met"
    OUTSIDE = "outside"
    """The issuer cannot see it: it is about a proxy, an API or a user interface of the deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The clients, APIs and settings that the report judges."""

    issuer: str
    held: tuple[str, ...]
    """The client_ids of the active clients that follow the profile."""
    problems: Mapping[str, tuple[str, ...]]
    """By client_id: what the registration lacks (`fapi2.problems`)."""
    is_for_all: bool
    """True if the setting FAPI2 is on."""
    algorithms: Mapping[str, str]
    """By ring: the signature algorithm."""
    apis: Mapping[str, str]
    """By identifier: the ring that signs the API's tokens."""
    id_tokens: Mapping[str, str]
    """By client_id: the ring that signs the client's ID tokens."""


Judge = Callable[[Configuration], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A clause of the FAPI 2.0 Security Profile, and how it is judged."""

    number: str
    text: str
    test: str
    """The test that shows it, as a path of pytest."""
    judge: Judge | None = None
    """Returns what is missing in a configuration. None: nothing can be missing."""
    is_outside: bool = False

    def state(self, configuration: Configuration) -> tuple[State, list[str]]:
        """Return the state of the clause, and what is missing."""
        missing = self.judge(configuration) if self.judge else []
        if missing:
            return State.NOT_MET, missing
        return (State.OUTSIDE if self.is_outside else State.MET), []


def _https(configuration: Configuration) -> list[str]:
    return [] if configuration.issuer.startswith("https://") else ["the issuer's URL does not begin with https://"]


def _held(configuration: Configuration) -> list[str]:
    if configuration.held or configuration.is_for_all:
        return []
    return ["no client follows the profile: create_client --fapi2, or FAPI2=true"]


def _lacking(problem: str) -> Judge:
    """Return a judge that names the clients with this problem."""

    def judge(configuration: Configuration) -> list[str]:
        with_it = [name for name, problems in configuration.problems.items() if problem in problems]
        return _held(configuration) + [f"client {name}: {problem}" for name in with_it]

    return judge


def _algorithms(configuration: Configuration) -> list[str]:
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


CLAUSES = (
    Clause(
        number="5.2.1",
        text="TLS 1.2 or later, of recommended cipher suites",
        test="tests/proxies/test_tls.py::test_tls_1_2_with_another_suite_is_refused",
        judge=_https,
        is_outside=True,
    ),
    Clause(
        number="5.3.2.1-1",
        text="metadata by OpenID Connect Discovery and RFC 8414",
        test=f"{TESTS}views/test_metadata.py::test_the_metadata_names_what_the_issuer_supports",
    ),
    Clause(
        number="5.3.2.1-2",
        text="no password grant type",
        test=f"{TESTS}hardening/test_defaults.py::test_the_password_grant_is_unsupported",
    ),
    Clause(
        number="5.3.2.1-3",
        text="confidential clients only",
        test=f"{PROFILE}test_a_client_that_the_profile_forbids_gets_nothing",
        judge=_lacking(fapi2.NO_PUBLIC),
    ),
    Clause(
        number="5.3.2.1-4, 5",
        text="access tokens bound to a DPoP key",
        test=f"{PROFILE}test_a_token_request_without_a_proof_is_refused",
        judge=_held,
    ),
    Clause(
        number="5.3.2.1-6",
        text="clients authenticate by private_key_jwt",
        test=f"{PROFILE}test_a_client_that_the_profile_forbids_gets_nothing",
        judge=_lacking(fapi2.BY_KEY),
    ),
    Clause(
        number="5.3.2.1-7",
        text="no open redirectors",
        test=f"{TESTS}rfc/test_rfc9700.py::test_an_error_is_redirected_to_the_client_only_if_the_user_is_logged_in",
    ),
    Clause(
        number="5.3.2.1-8",
        text="the aud of an assertion is the issuer's URL as a text",
        test=f"{PROFILE}test_the_aud_of_an_assertion_is_the_issuer_as_a_text",
        judge=_lacking(fapi2.NO_LEGACY_AUDIENCE),
    ),
    Clause(
        number="5.3.2.1-9",
        text="refresh tokens are not rotated",
        test=f"{PROFILE}test_a_refresh_token_stays",
        judge=_lacking(fapi2.NO_ROTATION),
    ),
    Clause(
        number="5.3.2.1-11",
        text="codes live for 60 seconds at most",
        test=f"{TESTS}views/test_token.py::test_a_code_expires_after_a_minute",
    ),
    Clause(
        number="5.3.2.1-12",
        text="codes can be bound to a DPoP key",
        test=f"{PROFILE}test_a_code_is_bound_to_the_key_of_dpop_jkt",
    ),
    Clause(
        number="5.3.2.1-13",
        text="iat and nbf may be 10 seconds in the future, and no more than 60",
        test=f"{PROFILE}test_an_iat_in_the_future_is_accepted_up_to_a_minute",
    ),
    Clause(
        number="5.3.2.2-1",
        text="response_type is code",
        test=f"{TESTS}hardening/test_defaults.py::test_implicit_and_hybrid_are_unsupported",
    ),
    Clause(
        number="5.3.2.2-2",
        text="pushed authorization requests",
        test=f"{TESTS}views/test_par.py::test_the_browser_brings_the_request_uri_and_gets_a_code",
    ),
    Clause(
        number="5.3.2.2-3",
        text="no authorization request that was not pushed",
        test=f"{PROFILE}test_a_request_that_was_not_pushed_is_refused",
        judge=_held,
    ),
    Clause(
        number="5.3.2.2-4",
        text="no pushed request without client authentication",
        test=f"{TESTS}views/test_par.py::test_a_confidential_client_has_to_authenticate",
    ),
    Clause(
        number="5.3.2.2-5",
        text="PKCE with S256",
        test=f"{PROFILE}test_pkce_is_required_whatever_the_client_s_rule",
        judge=_held,
    ),
    Clause(
        number="5.3.2.2-6",
        text="a pushed request names its redirect_uri",
        test=f"{PROFILE}test_a_pushed_request_names_its_redirect_uri",
        judge=_held,
    ),
    Clause(
        number="5.3.2.2-7",
        text="iss in the authorization response",
        test=f"{TESTS}views/test_par.py::test_the_browser_brings_the_request_uri_and_gets_a_code",
    ),
    Clause(
        number="5.3.2.2-8",
        text="redirect URIs by https, or http on loopback",
        test=f"{PROFILE}test_a_client_that_the_profile_forbids_gets_nothing",
        judge=_lacking(fapi2.HTTPS),
    ),
    Clause(
        number="5.3.2.2-9",
        text="a code is used once",
        test=f"{TESTS}rfc/test_rfc6749.py::test_a_code_is_redeemed_once_and_its_reuse_revokes_the_grant",
    ),
    Clause(
        number="5.3.2.2-10",
        text="no redirect with 307",
        test=f"{TESTS}rfc/test_rfc9700.py::test_a_redirect_after_a_form_does_not_repeat_its_fields",
    ),
    Clause(
        number="5.3.2.2-12",
        text="a request_uri is valid for less than 600 seconds",
        test="tests/tokens/test_request_settings.py::test_a_lifetime_out_of_bounds_is_refused",
    ),
    Clause(
        number="5.3.2.2-14",
        text="a nonce of 64 characters",
        test=f"{PROFILE}test_a_nonce_of_64_characters_is_in_the_id_token",
    ),
    Clause(
        number="5.3.2.3",
        text="the user's identifier by OpenID Connect",
        test=f"{PROFILE}test_a_nonce_of_64_characters_is_in_the_id_token",
    ),
    Clause(
        number="5.3.4-1, 5",
        text="an API verifies the DPoP key of a token",
        test="tests/resources/test_dpop.py::test_an_api_can_require_bound_tokens_everywhere",
        is_outside=True,
    ),
    Clause(
        number="5.3.4-2",
        text="an API reads no token in the query",
        test=f"{TESTS}hardening/test_defaults.py::test_the_api_reads_no_token_from_the_query_string",
        is_outside=True,
    ),
    Clause(
        number="5.3.4-3, 4",
        text="an API verifies validity, revocation and scope of a token",
        test="tests/resources/test_verify.py::test_a_bad_token_is_refused_with_its_reason",
        is_outside=True,
    ),
    Clause(
        number="5.4.1-1",
        text="JWTs by PS256, ES256 or EdDSA",
        test=f"{PROFILE}test_an_assertion_by_rs256_is_refused",
        judge=_algorithms,
    ),
    Clause(
        number="5.4.1-1.3",
        text="no JWT without a signature",
        test=f"{TESTS}views/test_jar.py::test_an_object_that_is_nearly_valid_is_refused_without_a_redirect",
    ),
    Clause(
        number="5.4.1-2, 3",
        text="RSA keys of 2048 bits, elliptic curves of 224",
        test=f"{TESTS}jose/test_public_keys.py::test_a_neighbour_of_a_usable_key_is_skipped_with_its_reason",
    ),
    Clause(
        number="5.4.1-4",
        text="credentials of 128 bits",
        test=f"{TESTS}views/test_par.py::test_a_client_gets_a_request_uri_of_which_only_the_hash_is_stored",
    ),
)
