"""Tests of `tokens.recipes`, the registrations of known programs.

`program` sends the requests that a recipe describes. `writer` writes the documentation pages about recipes.
"""
