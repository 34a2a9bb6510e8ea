"""Tests of `tokens.back_channel`, which tells clients about logouts."""
