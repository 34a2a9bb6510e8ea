"""The example API: notes of a user, guarded by notes:read and notes:write. Owns no verification."""
