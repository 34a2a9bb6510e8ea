"""Local users, looked up by the (iss, sub) of a token. An API uses them if LOCAL_USERS is set.

- Only issuer and subject identify a user. An e-mail address or a name does not, because an issuer can reassign them.
- A service, whose `sub` is its `client_id`, has no local user. Its `request.user` is a TokenUser.
- The user is looked up by two fields of the user model, or by the table of `resources.user_links`.
- If CREATE is set, the first request of a subject creates a user. No subject is linked to an existing user because of
  an equal name.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, router, transaction
from django.db.models import Model

from .errors import InvalidToken, Reason
from .principal import AccessToken

logger = logging.getLogger(__name__)
LINKS = "resources_user_links"
Create = Callable[[AccessToken], AbstractBaseUser | None]


@dataclass(frozen=True, slots=True)
class LocalUsers:
    """The settings by which the user of a token is found: either two fields of the user model, or a table of links.

    Either `issuer_field` and `subject_field` name the fields, or `link_table` is True. `create` returns a new user for
    a subject that has no user. If `create` is None, tokens of such a subject are refused.
    """

    issuer_field: str
    subject_field: str
    link_table: bool
    create: Create | None


def local_user(token: AccessToken, local: LocalUsers) -> AbstractBaseUser:
    """Return the active user with the token's issuer and subject.

    Creates the user if there is none and `local.create` is set. Raises InvalidToken if there is still no user, or if
    the user is not active.
    """
    user = _find(token, local)
    if user is None and local.create is not None:
        user = _create(token, local, local.create)
    if user is None or not user.is_active:
        raise InvalidToken(Reason.SUBJECT, "sub")
    return user


def new_user(token: AccessToken) -> AbstractBaseUser:
    """Return a new, unsaved user without a usable password, under a name that is derived from (iss, sub)."""
    model = get_user_model()
    name = sha256(f"{token.claims['iss']}\0{token.claims['sub']}".encode()).hexdigest()[:40]
    user = model(**{model.USERNAME_FIELD: f"token-{name}"})
    user.set_unusable_password()
    return user


def _find(token: AccessToken, local: LocalUsers) -> AbstractBaseUser | None:
    """Return the user with the token's issuer and subject, or None if there is none."""
    iss, sub = token.claims["iss"], token.claims["sub"]
    model = cast("type[Model]", apps.get_model(LINKS, "UserLink") if local.link_table else get_user_model())
    fields = ("iss", "sub") if local.link_table else (local.issuer_field, local.subject_field)
    try:
        row = model._default_manager.filter(**dict(zip(fields, (iss, sub), strict=True))).first()  # noqa: SLF001
    except (ValueError, ValidationError):  # for example, the field is a UUID and the subject is not
        return None
    # Some databases ignore case or trailing blanks in comparisons, and so return the row of another subject.
    if row is None or any(str(getattr(row, name)) != value for name, value in zip(fields, (iss, sub), strict=True)):
        return None
    return cast("AbstractBaseUser", row.user if local.link_table else row)  # type: ignore[attr-defined]


def _create(token: AccessToken, local: LocalUsers, create: Create) -> AbstractBaseUser | None:
    """Save the user that `create` returns, link it to the token's issuer and subject, and return it.

    Returns None if `create` returns None, or if the user cannot be saved. If a concurrent request created the user,
    returns that user.
    """
    iss, sub = token.claims["iss"], token.claims["sub"]
    try:
        with transaction.atomic(using=router.db_for_write(get_user_model())):
            if (user := create(token)) is None:
                return None
            if not local.link_table:
                setattr(user, local.issuer_field, iss)
                setattr(user, local.subject_field, sub)
            user.save()
            if local.link_table:
                link = apps.get_model(LINKS, "UserLink")(iss=iss, sub=sub, user=user)
                link.save(force_insert=True)
            return user
    except IntegrityError:  # a concurrent request created the user, or another user has this name
        return _find(token, local)
    except DataError as error:
        reason = type(error).__name__  # not the text, which can contain the subject
        logger.error("A local user cannot be created: a field of the user model is too short (%s)", reason)  # noqa: TRY400
        return None
