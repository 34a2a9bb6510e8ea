"""The other systems of `make bench`: Django projects without Keyturn, and floors without any authentication."""
