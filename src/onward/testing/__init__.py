"""For authors of jobs: run a job here and now, interrupt it where you like, resume it, move the clock, and simulate
workers that die.

::

    bench = JobBench(word_count, {"folder": "texts"})
    bench.run(interrupt_at=3)          # leaves before the 4th item, as a kill there would
    assert bench.run() == {"total": 42}    # goes on from the checkpoint

    simulate(word_count, {"folder": "texts"}, seed=7, hours=10).raise_if_bad()
"""

from onward.testing.bench import Interrupted, JobBench, ManualClock
from onward.testing.simulation import Simulated, simulate

__all__ = ["Interrupted", "JobBench", "ManualClock", "Simulated", "simulate"]
