"""Tests of deploy/. `files` reads its files. `environment` installs pinned versions of the linters."""
