"""An API without views of DRF: plain Django views, views of django-ninja, and a view for reverse proxies.

A reverse proxy asks the last view whether to pass a request on. The example uses the installed package
`keyturn-resources`. README.md says how to run the example.
"""
