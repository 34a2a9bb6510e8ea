"""An optional app: the table that links a token's (issuer, subject) to a local user.

The table is for APIs whose user model has no fields for the issuer and the subject. It is used if
"resources.user_links" is in INSTALLED_APPS and RESOURCE_SERVER["LOCAL_USERS"] has `"LINK_TABLE": True`
(resources/local_users.py). `resources` itself has no model.

Read in this order:
- `models`: the table.
- `apps`: the Django app.
"""
