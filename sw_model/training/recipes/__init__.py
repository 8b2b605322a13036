"""Recipes: the trainings, one after the other, that a shipped network came from.

What belongs here: a TOML file for each recipe, `recipe`, which reads them, and `running`, which
does their stages. A stage is a table ``[[stage]]`` of

- ``name``: of its folder, which gets the checkpoint and the log;
- ``steps``: length of its schedule;
- ``start`` or ``quantise``: what it begins with, as of ``train``; neither for initial weights;
- ``teacher``: the baseline to learn from, none by default;
- ``options``: fields of `sw_model.training.options.TrainingOptions` and of
  `sw_model.training.widths.WidthOptions`;
- ``freeze``: ``name`` of the deployment and ``file`` to freeze the network to;
- ``export``: file that a float DnCNN is exported to.

Paths are relative to the recipe's folder.
"""
