"""Time and memory of shards evaluated together: ``python -m benchmarks.shards [FILES]``, two million rows each."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from calib.environment import commit, hardware

ROWS, CLASSES = 2_000_000, 10
CODE = """
import sys, time
from calib.files.shards import Shards
from calib.streamed import evaluate_streamed
start = time.perf_counter()
report = evaluate_streamed(Shards.of(sys.argv[1]))
status = open("/proc/self/status").read()
print(report.uncalibrated.n, time.perf_counter() - start, status.partition("VmHWM:")[2].split()[0])
"""


def main(files: int) -> None:
    """Write shards of random logits, evaluate them in a process of their own, and print what it took."""
    import pyarrow as pa
    from pyarrow import parquet

    with tempfile.TemporaryDirectory() as folder:
        for i in range(files):
            rng = np.random.default_rng(i)
            logits = rng.normal(0, 3, (ROWS, CLASSES)).astype(np.float32)
            labels = (logits / 2 + rng.gumbel(size=logits.shape)).argmax(axis=1)
            table = {f"logit_{c}": logits[:, c] for c in range(CLASSES)}
            path = Path(folder, f"{i:03d}.parquet")
            parquet.write_table(pa.table({**table, "label": labels}), path, row_group_size=250_000)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        done = subprocess.run([sys.executable, "-c", CODE, folder], capture_output=True, text=True, check=True)
    n, seconds, peak = done.stdout.split()
    print(
        f"{int(n):,} rows of {CLASSES} logits, {size / 2**30:.1f} GiB: {float(seconds):.0f} s, {int(peak) // 1024} MiB"
    )
    print(f"commit {commit()}, {hardware()}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
