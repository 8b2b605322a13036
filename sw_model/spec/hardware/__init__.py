"""What hardware and software share: registers, messages, memory layout, and cycle counts.

It holds facts of the accelerator, not of the arithmetic. It imports the rest of `sw_model.spec`.
"""
