"""Tests of `tokens.handover`.

`stock_project` is a Django project with django-oauth-toolkit. The tests import its clients and users.
"""
