"""One calibration state from those of all ranks of ``torch.distributed``."""

import torch
import torch.distributed

from calib.errors import InputError
from calib.state import CalibrationState


def all_merge(state: CalibrationState) -> CalibrationState:
    """Merge the states of all ranks; every rank gets the whole, and none is changed.

    Every rank of the default process group must call it; a rank that saw no examples brings an empty state.  Raises
    `InputError` where no process group was initialised, and as `CalibrationState.merge`.
    """
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        raise InputError(
            "torch.distributed has no process group", help="call torch.distributed.init_process_group(...) first"
        )
    gathered: list[bytes | None] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(gathered, state.to_bytes())
    merged = CalibrationState(n_bins=len(state.curve.count), closed=state.curve.closed)
    for content in gathered:
        merged = merged.merge(CalibrationState.from_bytes(content or b""))
    return merged
