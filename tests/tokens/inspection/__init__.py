"""Tests of `tokens.inspection`, which reports on a token. The module `tokens` has the tokens that the tests inspect."""
