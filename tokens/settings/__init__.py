"""The issuer's settings as data: the entries of settings.ISSUER, their defaults, types and checks. Pure.

Owns: each entry of settings.ISSUER, and the checks of its value.
Does not own: reading Django's settings, which `conf` alone does. Other packages get the values from `conf`.
Steps: this package is none of the seven steps in README.md.
Neighbours: below `conf`, which calls `parse` of these modules. That is why the settings of a package above `conf`, such
as `open_clients`, are here and not in that package.

Read in this order:
- `defaults`: the entries and their defaults.
- `entry_types`: the type of each entry.
- `issuer`: the parsed settings.
- `rate`: rate limits.
- `open_client`: clients that register themselves.
- `authorization_request`: pushed authorization requests, and the FAPI 2.0 Security Profile.
- `redirect_allow_list`: the redirect URIs that every administrator may register.
- `brand`: the operator's name, logo and colours.
"""
