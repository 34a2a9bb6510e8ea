"""The URL maps, one for each process."""
