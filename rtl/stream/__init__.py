"""What every part of the hardware is wired with: buffers, queues with credits, counters, checks.

What belongs here: components and helpers that know nothing of a network. It imports nothing of
`rtl`.
"""
