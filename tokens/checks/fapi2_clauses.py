"""The clauses of the FAPI 2.0 Security Profile (final, February 2025), each with the test that shows it.

`CLAUSES` lists each clause in our words. A clause holds in every configuration, or it is judged by a function of
the `Configuration`, or it is about what stands around the issuer (`is_outside`), or it is a recommendation that this
issuer does not follow (`is_choice`). tests/tokens/checks/test_fapi2_clauses.py checks that the named tests exist.
`conformance` prints the report.

Not listed: 5.2.2.1 (ecosystems with mTLS, which this issuer does not offer), and 5.3.3 (clients).
"""

from tokens.checks.fapi2_cryptography import CRYPTOGRAPHY
from tokens.checks.fapi2_flows import FLOWS
from tokens.checks.fapi2_general import GENERAL
from tokens.checks.fapi2_network import NETWORK

CLAUSES = (*NETWORK, *GENERAL, *FLOWS, *CRYPTOGRAPHY)
