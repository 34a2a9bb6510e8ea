"""The issuer's commands. A command parses its arguments, calls one function and prints the result.

Owns: options, their types and messages, exit codes, and what is printed. Commands also read the clock.
Does not own: any rule about clients, grants, tokens or keys.
Steps: this package is none of the seven steps in README.md, but registers the clients and APIs that those steps serve,
and rotates keys.
Neighbours: at the top, as `views` and `admin` are.

Read in this order:
- `exit_codes`: the exit codes, and the errors that they report.
- `operator_command`: the base classes: --help, --version and errors.
- `arguments`: argument types, look-ups, confirmation, and the settings for a command on signing keys.
- `private_file`: creates files for secrets and keys.
- `client_options`, `login_options`, `client_fields`: the options of `create_client`, and the fields that they set.
- `api_options`: the options of `create_api`.
- `registration_output`: what `create_client` and `create_api` print.
- `recipe_options`: the option `--for`, which names a recipe. The recipe sets the defaults of the other options.
- `commands`: one module for each command.
"""
