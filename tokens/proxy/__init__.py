"""Test an issuer or an API from outside, through the proxy in front of it, and report what to configure.

Owns: the trials of the command `check_proxy`. Each trial sends a few small requests and changes nothing.
Does not own: configurations of proxies (docs/proxies.md).
Steps: this package is none of the seven steps in README.md.
Neighbours: imports no other package of the issuer.

Read in this order:
- `wire`: send one request, byte by byte.
- `report`: a finding and its remedy.
- `trial_server`: the tested server, and the requests to it.
- `connection_trials`, `header_trials`, `content_trials`: the trials.
- `trials`: run all trials in order.
"""
