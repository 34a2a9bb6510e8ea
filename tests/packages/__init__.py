"""Tests of the packages that `make packages` builds. `environments` installs them into empty environments."""
