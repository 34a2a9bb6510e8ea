"""Commands of whoever runs an API."""
