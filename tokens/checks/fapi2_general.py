"""The clauses of section 5.3.2.1 of the FAPI 2.0 Security Profile: general requirements for the issuer."""

from tokens.checks import fapi2_judges as judges
from tokens.checks.fapi2_configuration import PROFILE, TESTS, Clause
from tokens.models import fapi2

GENERAL = (
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
        judge=judges.lacking(fapi2.NO_PUBLIC),
    ),
    Clause(
        number="5.3.2.1-4, 5",
        text="access tokens bound to a DPoP key",
        test=f"{PROFILE}test_a_token_request_without_a_proof_is_refused",
        judge=judges.unused_profile,
    ),
    Clause(
        number="5.3.2.1-6",
        text="clients authenticate by private_key_jwt",
        test=f"{PROFILE}test_a_client_that_the_profile_forbids_gets_nothing",
        judge=judges.lacking(fapi2.BY_KEY),
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
        judge=judges.lacking(fapi2.NO_LEGACY_AUDIENCE),
    ),
    Clause(
        number="5.3.2.1-9",
        text="refresh tokens are not rotated",
        test=f"{PROFILE}test_a_refresh_token_stays",
        judge=judges.lacking(fapi2.NO_ROTATION),
    ),
    Clause(
        number="5.3.2.1-10",
        text="nonces of the issuer in DPoP proofs, if DPOP_REQUIRES_NONCE is set",
        test=f"{TESTS}dpop/test_proof.py::test_a_proof_without_a_nonce_is_refused_if_one_is_required",
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
        number="5.3.2.1-14",
        text="an access token is for one API, and has the granted scopes alone",
        test=f"{TESTS}issued/test_audience.py::test_a_request_is_for_one_api_or_for_the_issuer_itself",
    ),
)
