"""Fake programs on the PATH."""

import os


def fake_program(folder, name, script, monkeypatch):
    """Put a shell script first on the PATH, for the rest of a test."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return path
