"""Programs that use Keyturn from outside.

`webapp` imports nothing of Keyturn. The APIs (`mcp`, `without_drf`) import the resource server only.
"""
