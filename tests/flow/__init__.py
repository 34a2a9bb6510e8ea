"""Tests of the seven steps of README.md over real HTTP, between processes that share only the issuer's URL.

Read in this order:
- `shell`: runs the code blocks of a documentation page.
- `shop`: another Django project with `resources`.
- `other_issuer`: an issuer that is not Keyturn. It signs tokens with a private key of the test.
- `collector`: an OpenTelemetry collector.
"""
