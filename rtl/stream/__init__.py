"""Building blocks of all the hardware: buffers, queues with credits, counters, checks.

What belongs here: components and helpers that know nothing of a network. It imports nothing else
from `rtl`.

In all of the hardware a component with one input and one output stream calls them `i` and `o`; a
component with several streams names each after what it carries.
"""
