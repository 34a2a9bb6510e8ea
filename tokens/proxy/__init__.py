"""Tests an issuer or an API from outside, through the proxy in front of it, and says what to configure.

Owns: the requests (few, small and harmless), and what their answers tell about the proxy.
Does not own: the proxies' configurations, which are in docs/proxies.md.

In reading order: wire (one request over a socket), trials (what is tried), report (the findings in words).
"""
