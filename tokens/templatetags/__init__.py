"""Tags of the issuer's templates.

Owns: the tag by which each page gets the operator's name, logo and colours; the filter that translates core texts.
Does not own: their rules (`brand`) or the views that serve them (`views/brand`).
Steps: none.
Neighbours: Django loads it for the templates; it reads `conf` and `page_text`.

Read in this order:
- `keyturn`: the tag `brand`.
- `admin_words`: the filter `words`.
"""
