"""A model's server of each test's own, and settings that point at it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stages.settings import Settings
from tests.stages.llm.model_server import Answer, ModelServer


@pytest.fixture
def server() -> Iterator[ModelServer]:
    running = ModelServer()
    yield running
    running.close()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


@pytest.fixture
def settings_for(server: ModelServer) -> Callable[..., Settings]:
    """Settings that point at the server, with waits of milliseconds; ``retry``, ``breaker`` and llm fields by name."""

    def make(**given: Any) -> Settings:
        retry = {"attempts": 3, "wait_initial_seconds": 0.001, "wait_max_seconds": 0.01} | given.pop("retry", {})
        breaker = given.pop("breaker", {})
        llm = {"model": "openai/test-model", "api_base": server.base, "timeout_seconds": 5} | given
        return Settings.model_validate({"llm": llm, "retry": retry, "breaker": breaker})

    return make
