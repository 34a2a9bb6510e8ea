"""The clauses of sections 5.3.2.2 and 5.3.2.3 of FAPI 2.0: the authorization endpoint, and the user's identifier."""

from tokens.checks import fapi2_judges as judges
from tokens.checks.fapi2_configuration import PROFILE, TESTS, Clause
from tokens.models import fapi2

FLOWS = (
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
        judge=judges.unused_profile,
    ),
    Clause(
        number="5.3.2.2-4",
        text="no pushed request without client authentication",
        test=f"{TESTS}views/test_par.py::test_a_confidential_client_has_to_authenticate",
    ),
    Clause(
        number="5.3.2.2-5",
        text="PKCE with S256",
        test=f"{PROFILE}test_pkce_is_required_for_every_rule_of_the_client",
        judge=judges.unused_profile,
    ),
    Clause(
        number="5.3.2.2-6",
        text="a pushed request names its redirect_uri",
        test=f"{PROFILE}test_a_pushed_request_names_its_redirect_uri",
        judge=judges.unused_profile,
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
        judge=judges.lacking(fapi2.HTTPS),
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
        number="5.3.2.2-11",
        text="303 after each form (after GET it is 302)",
        test=f"{TESTS}rfc/test_rfc9700.py::test_a_redirect_after_a_form_does_not_repeat_its_fields",
        is_choice=True,
    ),
    Clause(
        number="5.3.2.2-12",
        text="a request_uri is valid for less than 600 seconds",
        test="tests/tokens/settings/test_authorization_request.py::test_a_lifetime_out_of_bounds_is_refused",
    ),
    Clause(
        number="5.3.2.2-13",
        text="the consent page names the client, the scopes and who gets the answer",
        test=f"{TESTS}views/test_authorize.py::test_the_consent_page_names_who_gets_the_answer",
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
)
