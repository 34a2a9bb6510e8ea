"""The configurations of docs/proxies.md, run as the page prints them."""
