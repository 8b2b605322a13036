"""Denoising of arrays and picture files, in worker processes or on a cluster.

The package holds the command ``denoise``, the function of that name, and the handling of noise
levels. It imports `sw_model.golden`, `sw_model.pictures` and what these import.
"""
