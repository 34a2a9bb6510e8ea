"""Recipes: what Keyturn registers for one program, and the configuration of that program, as data.

A program is other software that uses the issuer, such as a client library, a reverse proxy or a resource server.

Owns: the files in `programs/`, one TOML file for each program, their schema, the commands and the configuration that
follow from them, and the pages in docs/ that are written from them.
Does not own: the registration of clients and APIs (`registration`), or the options of the commands (`management`).
Steps: none of the seven in README.md. `create_client --for NAME` takes its defaults from a recipe, registers the
client, and prints the configuration with the real values.
Neighbours: below the commands and the admin.

Read in this order:
- `schema`: a recipe, and the checks of its file.
- `options`: the command line of a step (a command that the operator runs at the issuer).
- `example`: the example values of a recipe, and how real values replace them.
- `defaults`: the options of a registration, from the recipe and the operator.
- `configuration`: the configuration of the program with real values.
- `markdown`, `overview`: the page of a recipe, and the list of all.
- `catalog`: the files of `programs/` and of the site's own folder.
"""
