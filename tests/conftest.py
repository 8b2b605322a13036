"""What holds for the tests of all packages."""

import os
from pathlib import Path

from sw_model.pictures.sets import DATA_VARIABLE

if folder := os.environ.get(DATA_VARIABLE):
    # Named from where the tests were started, while many of their commands run elsewhere.
    os.environ[DATA_VARIABLE] = str(Path(folder).absolute())
