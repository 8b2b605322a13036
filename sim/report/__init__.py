"""Reports of comparisons: text, JSON and figures.

It imports `sim.targets` and what that imports.
"""
