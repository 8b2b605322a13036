"""Pictures in files as plain arrays, through the project's own readers and writers."""

from sw_model.pictures import files, output
from sw_model.pictures.page import Metadata, Page


def read_image(path, white=None):
    """The only page of a file."""
    with files.open_image(path, white) as source:
        assert source.count == 1
        return source.page(0).array


def write_image(path, array, profile=None):
    """Write an array of 8 or 16 bits, with an ICC profile."""
    output.write_image(path, Page(array=array, metadata=Metadata(profile=profile)))
