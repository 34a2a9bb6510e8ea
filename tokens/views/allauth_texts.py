"""Texts of django-allauth for which this app has its own German translations.

The German translations of django-allauth address the user informally ("du"), but this app says "Sie". `gettext_noop`
marks the texts for the catalogue of this app.
"""

from django.utils.translation import gettext_noop

TEXTS = (
    gettext_noop("Be patient, you are sending too many requests."),
    gettext_noop("In case you forgot, your username is %(username)s."),
    gettext_noop("Please Confirm Your Email Address"),
    gettext_noop("Please select only one."),
    gettext_noop("Please type your current password."),
    gettext_noop("Thank you for using %(site_name)s!\n%(site_domain)s"),
    gettext_noop("Too many failed login attempts. Try again later."),
    gettext_noop("Username can not be used. Please use other username."),
    gettext_noop("You are already logged in as %(user_display)s."),
    gettext_noop(
        "You are receiving this email because you or someone else tried to signup for an\n"
        "account using email address:\n\n%(email)s\n\n"
        "However, an account using that email address already exists.  In case you have\n"
        "forgotten about this, please use the password forgotten procedure to recover\n"
        "your account:\n\n%(password_reset_url)s"
    ),
    gettext_noop("You have confirmed %(email)s."),
    gettext_noop("You have signed out."),
    gettext_noop("You must type the same email each time."),
    gettext_noop("You must type the same password each time."),
    gettext_noop("Your password has been changed."),
    gettext_noop("Your password is now changed."),
    gettext_noop(
        "You're receiving this email because you or someone else has requested a password reset for your user account."
        "\nIt can be safely ignored if you did not request a password reset."
        " Click the link below to reset your password."
    ),
)
