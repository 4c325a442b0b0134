"""A person stops a run while a model is being asked: what was asked is answered, paid for and kept."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.flows.conftest import KEY
from tests.stages.llm.model_server import Answer, ModelServer

ROOT = Path(__file__).parents[2]
POST = (
    '{"posts": [{"title": "The cello is found", "dek": "It was in the boathouse.", "sections": [{"heading": "", '
    '"paragraphs": [{"text": "They looked for a cello.", "sources": ["m1", "m2"]}]}], "tags": []}], "language": "en"}'
)


def test_every_answer_under_way_is_kept_and_none_is_asked_for_again(make_chat, publish, tmp_path: Path) -> None:
    model = ModelServer()
    # the second of two batches answers later, so that one ends while the other still waits
    model.answers = [Answer(POST, delay=0.5), Answer(POST, delay=2.5), Answer(POST, delay=0.1)]
    chat = make_chat(6)
    settings = {
        "STREAMLINER_LLM__API_BASE": model.base,
        "STREAMLINER_LLM__API_KEY": "sk-test",
        "STREAMLINER_LLM__BATCH_WINDOWS": "1",
        "STREAMLINER_PERFORMANCE__MAX_WORKERS": "2",
    }
    options = ("--archive", tmp_path / "a", "--model", "openai/test-model")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "flows", "publish", str(chat), *map(str, options)],
        env=clean
        | settings
        | {"STREAMLINER_PRIVACY__KEY": KEY, "STREAMLINER_FETCH__ENABLED": "false", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while len(model.requests) < 2:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        asked = len(model.requests)
        assert process.returncode == 130, said
        assert f"Interrupted: {asked} posts were written and kept" in said
        report = publish(chat, *options, **settings)
        assert (report["posts_written"], len(model.requests)) == (6 - asked, 6)
    finally:
        process.kill()
        model.close()
