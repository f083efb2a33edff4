"""A vault of notes, and the graph that is kept in line with its marked blocks."""

from onward.authoring.registry import JobTypes
from onward.catalogue.vault.jobs import sync

__all__ = ["JOB_TYPES"]

JOB_TYPES = JobTypes()
for _module in (sync,):
    JOB_TYPES.include(_module.types)
