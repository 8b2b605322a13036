"""The networks in floats: DnCNN, its spiking twin, and what folding makes of them.

What belongs here: what a forward and a backward pass need, in PyTorch. How networks are trained
and frozen is `sw_model.training`'s. It imports `sw_model.coding`, `sw_model.pictures` and what
these stand on.
"""
