"""The clauses of sections 5.3.4 and 5.4 of the FAPI 2.0 Security Profile: APIs, cryptography and key sets."""

from tokens.checks import fapi2_judges as judges
from tokens.checks.fapi2_configuration import PROFILE, TESTS, Clause

CRYPTOGRAPHY = (
    Clause(
        number="5.3.4-1, 5",
        text="an API verifies the DPoP key of a token",
        test="tests/resources/test_possession.py::test_an_api_can_require_bound_tokens_everywhere",
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
        judge=judges.algorithms,
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
    Clause(
        number="5.4.2",
        text="keys by jwks_uri, over TLS",
        test=f"{TESTS}views/test_metadata.py::test_the_metadata_names_what_the_issuer_supports",
        judge=judges.https,
    ),
    Clause(
        number="5.4.2-2",
        text="no x5u and jku in the header of a JWT",
        test=f"{TESTS}issued/test_jws.py::test_a_header_names_a_key_and_no_address_of_keys",
    ),
    Clause(
        number="5.4.2-3",
        text="no two keys with the same kid in the JWKS",
        test=f"{TESTS}keys/test_id_ring.py::test_no_two_keys_of_the_key_set_have_the_same_kid",
    ),
    Clause(
        number="5.4.3",
        text="of several keys of a client with one kid, each that fits is tried",
        test=f"{TESTS}clients/test_jwks_uri.py::test_of_several_keys_under_one_kid_each_is_tried",
    ),
)
