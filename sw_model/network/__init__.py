"""The networks in floats: DnCNN, its spiking twin, and both with batch norm folded.

What belongs here: forward and backward passes in PyTorch. Training and freezing are in
`sw_model.training`. It imports `sw_model.coding`, `sw_model.pictures` and their dependencies.
"""
