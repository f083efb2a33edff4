"""``onward demo``: a chain of real jobs, a worker that is killed half-way, and another that goes on."""
