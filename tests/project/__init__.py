"""Tests of `project`, and of the source tree itself. `console` runs the console blocks of a documentation page."""
