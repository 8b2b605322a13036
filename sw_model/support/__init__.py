"""What every program of the project needs and no arithmetic knows of.

Errors, files, command lines, and what concerns processes, the machine and a cluster. It imports
nothing of the project, and from outside only rich, and distributed where a cluster is asked for.
"""
