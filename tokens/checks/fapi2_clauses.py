"""The clauses of the FAPI 2.0 Security Profile (final, February 2025), each with its test.

`CLAUSES` lists each clause in our words. The issuer meets each clause in every configuration, with three exceptions:

- A clause with a function `judge` is met if the function finds nothing missing in the `Configuration`.
- A clause with `is_outside` concerns a proxy, an API or a user interface, which the issuer cannot see.
- A clause with `is_choice` is a recommendation that this issuer does not follow.

tests/tokens/checks/test_fapi2_clauses.py checks that the named tests exist. `conformance` prints the report.

Not listed: 5.2.2.1 (ecosystems with mTLS, which this issuer does not offer), and 5.3.3 (requirements for clients).
"""

from tokens.checks.fapi2_cryptography import CRYPTOGRAPHY
from tokens.checks.fapi2_flows import FLOWS
from tokens.checks.fapi2_general import GENERAL
from tokens.checks.fapi2_network import NETWORK

CLAUSES = (*NETWORK, *GENERAL, *FLOWS, *CRYPTOGRAPHY)
