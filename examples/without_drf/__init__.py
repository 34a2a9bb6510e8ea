"""An API without views of DRF: plain Django views, django-ninja, and a proxy that asks before it passes requests on.

It uses the package `keyturn-resources` from outside. README.md says how to run it.
"""
