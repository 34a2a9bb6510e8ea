"""Bounds of the lifetimes that an administrator can set.

- A longer lifetime could exceed the range of dates, which would be an error at each request.
- A shorter or negative lifetime would issue tokens that have expired already.
"""

from datetime import timedelta

from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models

SHORTEST = timedelta(seconds=1)
LONGEST_ACCESS_TOKEN = timedelta(days=1)
"""Longer than any key policy should allow (`token_lifetime`), because revocations are stored for as long."""
LONGEST_REFRESH = timedelta(days=3650)


def validators(longest: timedelta) -> list[BaseValidator]:
    """Return the validators of a lifetime between SHORTEST and `longest`."""
    return [MinValueValidator(SHORTEST), MaxValueValidator(longest)]


def bounds(**longest: timedelta) -> models.Q:
    """Return a CHECK condition: each field is empty, or between SHORTEST and its given maximum."""
    condition = models.Q()
    for field, most in longest.items():
        condition &= models.Q(**{f"{field}__gte": SHORTEST, f"{field}__lte": most})
    return condition
