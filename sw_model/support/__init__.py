"""What every program of the project needs and no arithmetic knows of.

Errors, files, command lines, and what concerns processes and the machine. It imports nothing of the
project, and only rich from outside.
"""
