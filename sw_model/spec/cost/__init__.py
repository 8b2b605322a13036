"""Operations, memory traffic and energy of a network, by a model with its sources.

It imports the rest of `sw_model.spec`.
"""
