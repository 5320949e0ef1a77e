"""The end of a run on TensorBoard's HPARAMS page, without torch or Lightning."""

import time
from typing import Any

ENDED = {"completed", "pruned"}


def session_end(status: str) -> Any:
    """Return the summary that ends a row of the HPARAMS page as a success or failure."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
    from tensorboard.plugins.hparams.metadata import (
        PLUGIN_DATA_VERSION,
        PLUGIN_NAME,
        SESSION_END_INFO_TAG,
    )
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    state = STATUS_SUCCESS if status in ENDED else STATUS_FAILURE
    end = HParamsPluginData(
        version=PLUGIN_DATA_VERSION,
        session_end_info=SessionEndInfo(status=state, end_time_secs=time.time()),
    )
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=end.SerializeToString())
    value = Summary.Value(tag=SESSION_END_INFO_TAG, metadata=SummaryMetadata(plugin_data=plugin))
    return Summary(value=[value])
