"""Training of networks of the few-spike code: without a time axis, for any noise level.

It imports `sw_model.network` and the common modules of `sw_model.training`.
"""
