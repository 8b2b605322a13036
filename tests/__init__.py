"""Tests, in one folder per package; a test's name and first comment say what it checks."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""Root folder of the project."""
