"""The issuer's commands: parse, call one function, print."""
