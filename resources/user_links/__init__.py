"""Optional: the table that links a token's (issuer, subject) to a local user, for a user model without such fields.

Owns that table and nothing else. It is used if "resources.user_links" is in INSTALLED_APPS and
RESOURCE_SERVER["LOCAL_USERS"] has `"LINK_TABLE": True` (resources/local_users.py). `resources` itself has no model.
"""
