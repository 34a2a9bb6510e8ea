"""The issuer's commands. A command parses its arguments, calls one function and prints the result."""
