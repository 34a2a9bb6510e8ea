"""The clauses of section 5.2 of the FAPI 2.0 Security Profile: TLS, and the headers for browsers."""

from tokens.checks import fapi2_judges as judges
from tokens.checks.fapi2_configuration import TESTS, Clause

NETWORK = (
    Clause(
        number="5.2.1",
        text="TLS 1.2 or later, of recommended cipher suites",
        test="tests/proxies/test_tls.py::test_tls_1_2_with_another_suite_is_refused",
        judge=judges.https,
        is_outside=True,
    ),
    Clause(
        number="5.2.2",
        text="recommended cipher suites alone at endpoints that browsers do not use",
        test="tests/proxies/test_tls.py::test_tls_1_2_with_another_suite_is_refused",
        judge=judges.https,
        is_outside=True,
    ),
    Clause(
        number="5.2.3-1",
        text="no TLS stripping: HTTP Strict Transport Security",
        test="tests/project/test_settings.py::test_hsts_covers_no_subdomain_unless_it_is_configured",
        judge=judges.https,
        is_outside=True,
    ),
    Clause(
        number="5.2.3-2",
        text="permitted cipher suites at endpoints that browsers use",
        test="tests/proxies/test_tls.py::test_tls_1_2_with_a_recommended_suite_is_accepted",
        judge=judges.https,
        is_outside=True,
    ),
    Clause(
        number="5.2.3-3",
        text="no CORS at the authorization endpoint",
        test=f"{TESTS}views/test_cors.py::test_no_origin_reads_a_page_or_an_endpoint_of_services",
    ),
)
