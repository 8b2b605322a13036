"""Reports on a frozen network: quality over pictures, spikes, operations, energy, model cards.

What belongs here: figures of one network over pictures. It imports `sw_model.denoising` and its
dependencies, no PyTorch. Studies that compare networks are in `sw_model.studies`.
"""
