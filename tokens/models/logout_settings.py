"""The address to which a client's logout tokens are sent (OpenID Connect Back-Channel Logout 1.0 section 2.2).

The columns are nullable, so that SQLite adds them without rebuilding the table.
"""

from django.db import models


class LogoutSettings(models.Model):
    """The columns of a client for back-channel logout, named as in client metadata."""

    backchannel_logout_uri = models.CharField(  # noqa: DJ001 (nullable: see above)
        "back-channel logout URI",
        max_length=500,
        null=True,
        blank=True,
        help_text="The https URL to which the issuer posts a logout token when a user's session ends. Empty: the"
        " application is not told.",
    )
    backchannel_logout_session_required = models.BooleanField(
        "logout by session only",
        null=True,
        blank=True,
        help_text="Name only the session (<code>sid</code>) in logout tokens. Choose this for an application that"
        " stores the <code>sid</code> of ID tokens. Off: name the user, too; some libraries then end all sessions of"
        " the user at the application.",
    )

    class Meta:
        abstract = True
