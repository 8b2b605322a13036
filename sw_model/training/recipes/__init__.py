"""Recipes: the sequence of trainings that gives a shipped network.

What belongs here: a TOML file for each recipe, `recipe`, which reads them, and `running`, which
runs their stages. A stage is a table ``[[stage]]`` with the keys

- ``name``: name of its folder, for the checkpoint and the log;
- ``steps``: length of its schedule;
- ``start`` or ``quantise``: its initial network, as for ``train``; neither for initial weights;
- ``teacher``: the baseline to learn from, none by default;
- ``options``: fields of `sw_model.training.options.TrainingOptions` and of
  `sw_model.training.widths.WidthOptions`;
- ``freeze``: ``name`` and ``file`` of the deployment to write;
- ``export``: file for an exported float DnCNN.

Paths are relative to the recipe's folder.
"""
