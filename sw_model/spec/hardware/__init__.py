"""What hardware and its software agree on: registers, messages, memory, and cycles.

What belongs here: facts of the accelerator, not of the arithmetic. It imports the rest of
`sw_model.spec`.
"""
