"""What a comparison says: text, JSON and figures.

It imports `sim.targets` and what that stands on.
"""
