"""The configurations of docs/proxies.md, run as they are printed."""
