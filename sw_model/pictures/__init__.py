"""Pictures and their files: formats, depths, noise, quality, sets and crops.

What belongs here: everything about a picture that no network has to do with. It imports
`sw_model.spec`, for the range of a network's pixels, and `sw_model.support`.
"""
