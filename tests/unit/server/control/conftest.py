"""An empty cloud, on every database."""

from collections.abc import Iterator

import pytest
from cloud import Cloud


@pytest.fixture
def cloud(database: str) -> Iterator[Cloud]:
    """An empty cloud."""
    empty = Cloud(database)
    yield empty
    empty.store.close()
