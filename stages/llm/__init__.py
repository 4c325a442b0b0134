"""The one door to models: whatever asks a model goes through it and is counted, limited, retried and priced here."""

from stages.llm.destination import check_model, leaves_machine, media_leaves_machine
from stages.llm.door import Door
from stages.llm.usage import Reply, Usage

__all__ = ["Door", "Reply", "Usage", "check_model", "leaves_machine", "media_leaves_machine"]
