"""Tests that run the proxy configurations of docs/proxies.md as the page prints them."""
