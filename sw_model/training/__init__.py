"""Training, and freezing what was trained: the commands ``train``, ``freeze`` and ``baseline``.

What belongs here: options, data, objectives, optimizers, checkpoints, and the ways from one network
to another. It imports `sw_model.network` and what that stands on; nothing but `sw_model.studies`
imports it.
"""
