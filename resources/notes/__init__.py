"""The example API: the notes of a user, with the scopes notes:read and notes:write."""
