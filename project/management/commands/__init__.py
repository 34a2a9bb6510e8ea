"""Commands of the development process: `migrate`, for two databases."""
