"""Commands of the development process."""
