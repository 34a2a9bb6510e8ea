"""Tags of the issuer's templates.

Owns: the tag by which each page gets the operator's name, logo and colours; the filter that translates the English
texts of packages such as `keys`.
Does not own: the rules for the brand (`settings/brand`) or the views that serve the files (`views/brand`).
Steps: this package is none of the seven steps in README.md.
Neighbours: Django loads these modules for the templates. They import `conf` and `page_text` only.

Read in this order:
- `keyturn`: the tag `brand`.
- `admin_words`: the filter `words`.
"""
