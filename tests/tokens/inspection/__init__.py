"""Tests of `tokens.inspection`, which reports on a token. The tests inspect the tokens in `tokens.py`."""
