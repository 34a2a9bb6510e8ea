"""Tests of `tokens.handover`.

`stock_project` is a project with django-oauth-toolkit, whose clients and users are imported.
"""
