"""Test an issuer or an API from outside, through the proxy in front of it, and report what to configure.

Owns: the trials of the command `check_proxy`. Each sends one to three small requests and changes nothing.
Does not own: configurations of proxies (docs/proxies.md).
Steps: none.
Neighbours: imports nothing of the issuer.

Read in this order:
- `wire`: send one request, byte by byte.
- `report`: a finding and its remedy.
- `trials`: the trials.
"""
