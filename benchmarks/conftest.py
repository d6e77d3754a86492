"""Small real things to measure with: the embedded digits and the shipped backbone."""

import pytest

from tlbench.data.cache import Cache
from tlbench.data.resources import Resources
from tlbench.host.catalog import Catalog
from tlbench.host.host import Host
from tlbench.learning.determinism import configure


@pytest.fixture(scope="session")
def resources(tmp_path_factory):
    configure(threads=1)
    return Resources(Catalog(Host()), Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def digits(resources):
    return resources.encoded("digits", "handwritten", "train", "test_resnet.glyphs")
