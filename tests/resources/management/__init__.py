"""Tests of the manage.py commands of the resource server."""
