"""Opt-in: the local user that a token's (iss, sub) names. Nothing else of a token, such as an email, finds a user."""

from typing import cast

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser

from resources.conf import ResourceServer
from resources.errors import InvalidToken, Reason
from resources.principal import AccessToken


def local_user(token: AccessToken, conf: ResourceServer) -> AbstractBaseUser:
    """The one active user with this issuer and subject. Raises InvalidToken when there is none."""
    names = {conf.issuer_field: token.claims["iss"], conf.subject_field: token.claims["sub"]}
    user = get_user_model()._default_manager.filter(**names).first()  # noqa: SLF001 (django's documented name)
    if user is None or not user.is_active:
        raise InvalidToken(Reason.SUBJECT, "sub")
    return cast("AbstractBaseUser", user)
