"""The issuer's views, one file per endpoint or page: parse, call one function, answer.

What they share stands beside them: `endpoint` and `pages` are what each of the two kinds has in common, made of
`bodies`, `limits`, `claimed`, `refusals`, `cors` and `conditional`; the rest (`own_forms`, …) is for all of them.
"""
