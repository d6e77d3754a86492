"""Small real things to measure with: the embedded digits and the shipped backbone."""

import pytest

from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.learning import configure


@pytest.fixture(scope="session")
def resources(tmp_path_factory):
    configure(threads=1)
    return Resources(Catalog(Host()), Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def digits(resources):
    return resources.encoded("digits", "handwritten", "train", "test_resnet.glyphs")
