"""The example API: the notes of a user, with the scopes notes:read and notes:write.

Read in this order:
- `models`, `serializers`: a note, which belongs to an issuer and a subject, and its JSON.
- `views`, `urls`: the operations, each with its scopes, and their addresses.
- `apps`: the Django app.
"""
