"""The tests, a folder for each package; what breaks is said by a test's name and first comment."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The folder of the project."""
