"""Limits the lifetimes that an administrator can set, by a lower and an upper bound.

- Without an upper bound, an expiry could exceed the range of dates, which would be an error at each request.
- Without a lower bound, tokens could already be expired when they are issued.
"""

from datetime import timedelta

from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models

SHORTEST = timedelta(seconds=1)
LONGEST_ACCESS_TOKEN = timedelta(days=1)
"""More than the `token_lifetime` of a key policy should be. Revocations are stored as long as tokens can be valid."""
LONGEST_REFRESH = timedelta(days=3650)


def validators(longest: timedelta) -> list[BaseValidator]:
    """Return the validators of a lifetime between SHORTEST and `longest`."""
    return [MinValueValidator(SHORTEST), MaxValueValidator(longest)]


def bounds(**longest: timedelta) -> models.Q:
    """Return the CHECK condition that each field is NULL, or between SHORTEST and the maximum of the field.

    `longest` maps the names of the fields to their maxima.
    """
    condition = models.Q()
    for field, most in longest.items():
        condition &= models.Q(**{f"{field}__gte": SHORTEST, f"{field}__lte": most})
    return condition
