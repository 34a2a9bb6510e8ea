"""The wiring: settings, URL maps and processes. Owns no rule of the product; no other package imports it."""
