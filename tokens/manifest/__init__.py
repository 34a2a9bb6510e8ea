"""The registry as a file: APIs, scopes, clients and exchange policies in YAML or JSON (docs/configuration-as-code.md).

Owns: how such a file is read, what differs between it and the database, applying it, and writing it.
Does not own: the rules for clients and APIs (`models`), their registration (`registration`), or recipes (`recipes`).
Steps: none; it prepares 2 and 3.
Neighbours: imports `audit`, `conf`, `jose`, `keys`, `models`, `recipes`, `registration` and `registry_lock`; the
commands `apply` and `export` call it.

Read in this order:
- `tree`: the text of a file as nodes that know their lines. Pure.
- `schema`: which fields a file may have, and their types. Pure.
- `preset`: the fields that follow from a kind or a recipe.
- `change`: one difference between file and database. Pure.
- `plan`: apply a file in one transaction.
- `run`: what the parts collect.
- `api_part`: groups, APIs and scopes.
- `client_part`: clients.
- `policy_part`: exchange policies, and what the file does not name.
- `document`: write the database as a file.
"""
