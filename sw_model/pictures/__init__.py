"""Pictures and their files: formats, depths, noise, metrics of quality, sets and crops.

The package holds everything about pictures that does not depend on a network. It imports
`sw_model.spec`, for the range of a network's pixels, and `sw_model.support`.
"""
