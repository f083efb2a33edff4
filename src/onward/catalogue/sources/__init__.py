"""Knowledge sources: scraping, metadata, an index by meaning, and search over it."""

from onward.authoring.registry import JobTypes
from onward.catalogue.sources.chains import CHAINS, Chain, Phase
from onward.catalogue.sources.intake import import_documents
from onward.catalogue.sources.jobs import deletion, index, metadata, scrape, tags, vectors
from onward.catalogue.sources.search import Hit, search

__all__ = ["CHAINS", "JOB_TYPES", "Chain", "Hit", "Phase", "import_documents", "search"]

JOB_TYPES = JobTypes()
for _module in (scrape, metadata, index, vectors, tags, deletion):
    JOB_TYPES.include(_module.types)
