"""Jobs with their golden results, and their comparison with a target's results.

It imports `sw_model`; it knows no simulator.
"""
