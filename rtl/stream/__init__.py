"""What every part of the hardware is wired with: buffers, queues with credits, counters, checks.

What belongs here: components and helpers that know nothing of a network. It imports nothing of
`rtl`.

In all of the hardware a component with one stream in and one stream out calls them `i` and `o`;
where there are several, their names say what they carry.
"""
