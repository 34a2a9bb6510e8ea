"""The command `migrate` for the development process, which has two databases."""
