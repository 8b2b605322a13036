"""Training and freezing of networks: the commands ``train``, ``freeze`` and ``baseline``.

What belongs here: options, data, objectives, optimizers, checkpoints, and conversions between
networks. It imports `sw_model.network` and its dependencies; only `sw_model.studies` imports it.
"""
