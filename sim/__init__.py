"""Test library and runner: every target against the golden model."""
