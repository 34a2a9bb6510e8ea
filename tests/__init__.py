"""The tests. The path of a test module mirrors the path of the module that it tests.

CONTRIBUTING.md says what the folders own that mirror no source. `reference` writes docs/reference/.

Read in this order:
- `settings`: the settings of the tests.
- `clock`: the clocks that a test sets.
- `prepared`, `prepared_keys`, `ports`, `marks`, `pinned`: databases, keys, ports, groups and environments of tests that
  start processes.
- `jwt_cases`, `dpop_cases`, `addresses`, `database_errors`, `revocation_vectors`: tables of cases that issuer and API
  must treat in the same way.
- `log_leaks`: searches the log of each test for secrets.
- `source_trees`: the syntax trees of the source and their imports, for the tests of the structure.
- `documented`: the test that runs each command line of the documentation.
- `catalogue`, `literal_texts`: the German catalogue, and texts that lack a translation.
"""
