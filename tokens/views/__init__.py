"""The issuer's views, one file per endpoint: parse, call one function, answer."""
