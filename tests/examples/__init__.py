"""The examples, from outside and from inside."""
