"""The shape of the notes table, step by step."""
