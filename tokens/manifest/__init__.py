"""The registry as a file: APIs, scopes, clients and exchange policies in YAML or JSON (docs/configuration-as-code.md).

Owns: reading such a file, comparing the file with the database, applying the file, and writing it.
Does not own: the rules for clients and APIs (`models`), their registration (`registration`), or recipes (`recipes`).
Steps: this is none of the seven in README.md, but steps 2 and 3 need the clients and APIs that a file registers.
Neighbours: imports `audit`, `clients`, `issued`, `jose`, `keys`, `keys/rules`, `models`, `recipes`, `registration` and
`registry_lock` only. The commands `apply` and `export` call this package.

Read in this order:
- `tree`: the text of a file as nodes that know their lines. Pure.
- `field_types`, `schema`: the types of fields, and which fields a file may have. Pure.
- `preset`: the fields that follow from a kind or a recipe.
- `change`: one difference between file and database. Pure.
- `plan`: apply a file in one transaction.
- `run`: the changes, problems and new secrets that the parts collect.
- `api_part`: groups, APIs and scopes.
- `client_part`: clients.
- `policy_part`: exchange policies.
- `prune`: the rows that the file does not name.
- `registry_export`: export the registry as a file.
"""
