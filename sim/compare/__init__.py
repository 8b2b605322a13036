"""What is compared, and how: a job with its golden results, and the first place that differs.

It imports `sw_model`; it knows no simulator.
"""
