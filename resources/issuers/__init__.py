"""Makes the trusted issuers of this process from the settings, with their keys, feeds, threads and clocks.

Owns: the object of each trusted issuer, which has the issuer's keys and feed; the background thread; introspection;
and the report on an issuer's keys.
Does not own: how keys and feeds are read (`keysets`, `feed`), or the verification of a token (`verify`).
Steps: this package is none of the seven steps in README.md, but step 6 gets the trusted issuers here.
Neighbours: imports `conf`, `keysets`, `feed`, `revocations`, `outbound`, `telemetry` and lower modules. The edges
import it: `authentication`, `permissions`, `views`, `status` and the command `check_issuer`.

Read in this order:
- `poller`: the background thread.
- `trusts`: the trusted issuers, with their keys and feeds.
- `introspection`: ask the issuer whether a token is still accepted (RFC 7662), for a few endpoints.
- `inspection`: a report on an issuer's keys.
- `pem_folder`: the keys as PEM files, for programs that read key files.
"""
