import pytest

from sw_model.spec import configuration
from tests.random_deployment import random_deployment


@pytest.fixture(scope="session")
def tiny():
    return random_deployment(configuration("tiny"), seed=5)


@pytest.fixture(scope="session")
def tiny_file(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("deployments") / "tiny.safetensors"
    tiny.save(path)
    return str(path)
