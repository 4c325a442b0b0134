"""One real Prefect server for all of these tests, started as `make run` starts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, PREFECT_HOME, temporary_settings

from deployments.local import Dashboard

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def checkout() -> Path:
    return CHECKOUT


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard in a folder of its own, as if that were the checkout."""
    dashboard = Dashboard(tmp_path_factory.mktemp("checkout"), say=lambda line: None)
    try:
        dashboard.start()
        yield dashboard
    finally:
        dashboard.stop()


@pytest.fixture
def api(dashboard: Dashboard, tmp_path: Path) -> Iterator[str]:
    """The server's address, with this process pointed at it."""
    with temporary_settings({PREFECT_API_URL: dashboard.server.api, PREFECT_HOME: tmp_path}, restore_defaults=()):
        yield dashboard.server.api


@pytest.fixture
def no_server(tmp_path: Path) -> Iterator[None]:
    with temporary_settings(restore_defaults={PREFECT_API_URL, PREFECT_API_KEY}):
        yield
