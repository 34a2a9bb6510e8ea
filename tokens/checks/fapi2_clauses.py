"""The clauses of the FAPI 2.0 Security Profile (final, February 2025), each with its test.

`CLAUSES` lists each clause in our words. A clause is met in every configuration, with three exceptions. If it has a
function `judge`, that function examines the `Configuration`. `is_outside` means that the clause concerns parts of the
deployment outside of the issuer. `is_choice` means that it is a recommendation that this issuer does not follow.
tests/tokens/checks/test_fapi2_clauses.py checks that the named tests exist. `conformance` prints the report.

Not listed: 5.2.2.1 (ecosystems with mTLS, which this issuer does not offer), and 5.3.3 (clients).
"""

from tokens.checks.fapi2_cryptography import CRYPTOGRAPHY
from tokens.checks.fapi2_flows import FLOWS
from tokens.checks.fapi2_general import GENERAL
from tokens.checks.fapi2_network import NETWORK

CLAUSES = (*NETWORK, *GENERAL, *FLOWS, *CRYPTOGRAPHY)
