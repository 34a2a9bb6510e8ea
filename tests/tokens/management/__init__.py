"""Tests of the issuer's manage.py commands.

`key_commands` runs the commands for keys, and expects their refusals.
"""
