"""Support code that all programs share: errors and exit codes, files, processes, the machine.

It holds no arithmetic. It imports nothing else of the project; from outside only rich, and
distributed when a cluster is used.
"""
