"""One cloud for all clients' tests of a worker."""

from collections.abc import Iterator

import client_cloud
import pytest


@pytest.fixture(scope="session")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[client_cloud.Access]:
    """How the administrator of a running cloud gets in."""
    with client_cloud.running(tmp_path_factory.mktemp("cloud")) as made:
        yield made
