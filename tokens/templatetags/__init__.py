"""Tags of the issuer's templates.

Owns: the tag by which each page gets the operator's name, logo and colours; the filter that translates texts.
Packages such as `keys` return their texts in English.
Does not own: the rules for the brand (`settings/brand`) or the views that serve the files (`views/brand`).
Steps: this package is none of the seven steps in README.md.
Neighbours: Django loads these modules for the templates. They import `conf` and `page_text`.

Read in this order:
- `keyturn`: the tag `brand`.
- `admin_words`: the filter `words`.
"""
