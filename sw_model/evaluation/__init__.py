"""What a frozen network achieves and costs: PSNR, SSIM, spikes, operations, energy, model cards.

What belongs here: figures of one network over pictures. It imports `sw_model.denoising` and what
that stands on, no PyTorch. Studies that compare networks are `sw_model.studies`'.
"""
