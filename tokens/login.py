"""Step 1. A user logs in, at the issuer and nowhere else.

django-allauth does the logging in; here is what it may do. Owns no token: the login only says who, when and how.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest


class ClosedSignup(DefaultAccountAdapter):
    """Users are made in the admin; nobody signs up."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Never."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The user, if active: a right password for a closed account is answered like a wrong one."""
        user = super().authenticate(request, **credentials)
        return user if user is not None and user.is_active else None
