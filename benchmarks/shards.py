"""Time and memory of shards evaluated together: ``python -m benchmarks.shards [FILES] [CLASSES]``, 20 M logits each."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from calib.environment import commit, hardware

LOGITS = 20_000_000  # of a file
CODE = """
import sys, time
import calib
def main():
    shards = calib.Shards.of(sys.argv[1])
    start = time.perf_counter()
    if sys.argv[2] == "dask":
        from calib.integrations.dask import DaskParts, connected
        with connected() as client:
            start = time.perf_counter()  # the workers have been started
            report = calib.evaluate_streamed(DaskParts.of_shards(client, shards))
    else:
        report = calib.evaluate_streamed(shards)
    seconds = time.perf_counter() - start
    status = open("/proc/self/status").read()
    print(report.uncalibrated.n, seconds, status.partition("VmHWM:")[2].split()[0])
if __name__ == "__main__":
    main()
"""


def main(files: int, classes: int) -> None:
    """Write shards of random logits, evaluate them in a process of their own, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "evaluate.py")
        script.write_text(CODE)
        shards = Path(folder, "shards")
        shards.mkdir()
        write(shards, files, classes)
        size = sum(file.stat().st_size for file in shards.iterdir())
        engines = ["local", *(["dask"] if importlib.util.find_spec("distributed") else [])]
        for engine in engines:
            done = subprocess.run([sys.executable, script, shards, engine], capture_output=True, text=True, check=True)
            n, seconds, peak = done.stdout.split()
            reads = 4
            rate = reads * int(n) * classes / float(seconds) / 1e6
            where = "one process" if engine == "local" else f"Dask, {os.cpu_count()} workers (peak of the client)"
            print(
                f"{where}: {int(n):,} rows of {classes} logits, {size / 2**30:.1f} GiB: {float(seconds):.0f} s, "
                f"{int(peak) // 1024} MiB; {rate:.0f} M logits a second in each of {reads} reads"
            )
    print(f"commit {commit()}, {hardware()}")


def write(folder: Path, files: int, classes: int) -> None:
    """Parquet of float32 logits whose temperature is about 2."""
    import pyarrow as pa
    from pyarrow import parquet

    for i in range(files):
        rng = np.random.default_rng(i)
        logits = rng.normal(0, 3, (LOGITS // classes, classes)).astype(np.float32)
        labels = (logits / 2 + rng.gumbel(size=logits.shape)).argmax(axis=1)
        table = {f"logit_{c}": logits[:, c] for c in range(classes)}
        parquet.write_table(
            pa.table({**table, "label": labels}), folder / f"{i:03d}.parquet", row_group_size=2_500_000 // classes
        )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [12, 10][len(given) :]))
