"""The chaos program: real workers and clients on a real database, and faults of every kind from one seed.

``python -m chaos --seed 7 --minutes 5 --store sqlite`` starts them on this machine only, breaks what the seed says,
heals, waits until the work is done, and compares what the database says with what the jobs and clients wrote down
outside it. It ends only processes that it has started.
"""
