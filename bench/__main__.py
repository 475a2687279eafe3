"""All benchmarks, each in a process of its own: `python -m bench` (or `make bench`)."""

import subprocess
import sys

for name in ("renditions", "latency", "throughput", "machines", "upload", "gets", "idle"):
    subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)
    print(flush=True)
