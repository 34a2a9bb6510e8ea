"""Texts of Django's admin that Django 5.2 does not translate into German. This app's catalogue translates them."""

from django.utils.translation import gettext_noop

TEXTS = (
    gettext_noop("Raw passwords are not stored, so there is no way to see the user’s password."),  # noqa: RUF001 (Django's)
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),  # noqa: RUF001 (the same)
    gettext_noop(
        "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to"
        " authenticate using other backends, such as Single Sign-On or LDAP."
    ),
    gettext_noop("Password-based authentication"),
    gettext_noop("Reset password"),
    gettext_noop("Enabled"),
    gettext_noop("Disabled"),
    gettext_noop("client-scope relationship"),
    gettext_noop("client-scope relationships"),
)
