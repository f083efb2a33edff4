"""An assistant's memory: what bots remember and know, and the jobs that keep it tidy."""

from onward.authoring.registry import JobTypes
from onward.catalogue.memory.assistant import AssistantMemory, MemoryNotFound, profile_summary
from onward.catalogue.memory.jobs import consolidation, decay, entries, profile
from onward.catalogue.memory.jobs.entries import shown
from onward.catalogue.memory.plan.records import DEFAULT_BOT, Attribute, Entity, Found, Memory, Profile, Summary

__all__ = [
    "DEFAULT_BOT",
    "JOB_TYPES",
    "AssistantMemory",
    "Attribute",
    "Entity",
    "Found",
    "Memory",
    "MemoryNotFound",
    "Profile",
    "Summary",
    "profile_summary",
    "shown",
]

JOB_TYPES = JobTypes()
for _module in (profile, consolidation, decay, entries):
    JOB_TYPES.include(_module.types)
