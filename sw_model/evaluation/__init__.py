"""Quality and cost of a frozen network: PSNR, SSIM, spikes, operations, energy, model cards.

What belongs here: figures of one network over pictures. It imports `sw_model.denoising` and its
dependencies, no PyTorch. Studies that compare networks are in `sw_model.studies`.
"""
