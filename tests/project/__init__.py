"""Tests of `project`, and of the source tree itself.

`console` is no test: it runs the console blocks of a documentation page.
"""
