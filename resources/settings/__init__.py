"""The settings of an API as data: the entries of RESOURCE_SERVER with their types, and typed objects for `conf`.

Owns: the defaults and the meaning of each entry, their types, the settings of each issuer, and those of DPoP.
Does not own: reading Django's settings (`conf`), or the checks at start (`checks`).
Steps: this package is none of the seven steps in README.md.
Neighbours: imports `dpop` and `jose`. `conf` builds its typed object from it.

Read in this order:
- `defaults`: the entries, with their defaults and their meaning.
- `entry_types`: the type of each entry.
- `entry_values`: read one entry, and refuse a wrong value.
- `issuer_settings`: the entries of one issuer.
- `dpop_settings`: the entries of DPoP.
"""
