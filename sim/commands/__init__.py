"""The commands of ``python -m sim``: run, frame, twin, vectors.

They import all of `sim`; nothing imports a command.
"""
