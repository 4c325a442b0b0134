"""The signature of a window: what its post depends on, as one hash; what is signed already is not written again."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from stages.llm.destination import is_offline
from stages.write.extractive.version import WRITER_VERSION
from stages.write.prompts import PROMPT_VERSION


def signature(
    message_ids: Sequence[str] | pa.Array | pa.ChunkedArray,
    enrichment_digest: str,
    model: str,
    parameters: Mapping[str, Any],
) -> str:
    """32 hex digits over the messages, what was learnt about what they mention, the prompt, the model, its parameters.

    No Python object per message where the ids come as Arrow; how they are cut into chunks makes no difference.
    """
    writer = {"model": model, "parameters": dict(parameters), "prompt": PROMPT_VERSION}
    if is_offline(model):
        writer["offline"] = WRITER_VERSION
    head = orjson.dumps(writer, option=orjson.OPT_SORT_KEYS)
    whole = hashlib.blake2b(digest_size=16, person=b"window")
    lengths = hashlib.blake2b(digest_size=16)
    for part in (head, enrichment_digest.encode()):
        whole.update(len(part).to_bytes(8, "big") + part)
    ids = message_ids if isinstance(message_ids, pa.Array | pa.ChunkedArray) else pa.array(message_ids, pa.string())
    for chunk in ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]:
        offsets, data = _buffers(chunk.cast(pa.string()))
        whole.update(data)
        lengths.update(np.diff(offsets).astype("<i4").tobytes())
    whole.update(lengths.digest())
    return whole.hexdigest()


def _buffers(chunk: pa.Array) -> tuple["np.ndarray[tuple[int], np.dtype[np.int32]]", memoryview]:
    if len(chunk) == 0:
        return np.zeros(1, np.int32), memoryview(b"")
    _, offsets, data = chunk.buffers()
    edges = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    return edges, memoryview(data)[edges[0] : edges[-1]] if data is not None else memoryview(b"")
