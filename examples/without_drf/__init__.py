"""An API without views of DRF: plain Django views, views of django-ninja, and a view for reverse proxies.

A proxy asks that view whether to pass a request on. The example uses the package `keyturn-resources` from outside.
README.md says how to run it.
"""
