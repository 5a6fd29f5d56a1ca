"""One system for all tests that leave it as they found it."""

import pytest

from tests.e2e.running import Running


@pytest.fixture(scope="session")
def system(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("system") / "data", GATEWAY_REDIS="path")
    try:
        yield running.start()
    finally:
        running.end()


@pytest.fixture
def new_system(tmp_path):
    """Systems of the test's own; whatever happens nothing of them is left."""
    made = []

    def new_system(data="data", **environment):
        made.append(Running(tmp_path / data, **environment))
        return made[-1]

    yield new_system
    for running in made:
        running.end()
