"""Denoising as a person does it: of pictures in files, in worker processes or on a cluster.

What belongs here: the command ``denoise``, the function of that name, and the noise level that the
network is told. It imports `sw_model.golden`, `sw_model.pictures` and what these stand on.
"""
