"""How long what is issued may live: the bounds of each lifetime that an administrator can set.

Without them a lifetime could leave no room in a date (a crash), or lie before its beginning (a token that never lived).
"""

from datetime import timedelta

from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models

SHORTEST = timedelta(seconds=1)
LONGEST_ACCESS_TOKEN = timedelta(days=1)
"""Above what any key policy should allow (its `token_lifetime`): a token that was taken back is remembered as long."""
LONGEST_REFRESH = timedelta(days=3650)


def validators(longest: timedelta) -> list[BaseValidator]:
    """Refuse a lifetime that is shorter than a second or longer than `longest`."""
    return [MinValueValidator(SHORTEST), MaxValueValidator(longest)]


def bounds(**longest: timedelta) -> models.Q:
    """That each of the fields is empty or within its bounds, for a constraint of the database."""
    condition = models.Q()
    for field, most in longest.items():
        condition &= models.Q(**{f"{field}__gte": SHORTEST, f"{field}__lte": most})
    return condition
