"""The tests; they mirror the source path for path."""
