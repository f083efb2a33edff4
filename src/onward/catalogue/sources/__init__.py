"""Knowledge sources: scraping, metadata, an index by meaning, and search over it."""

from onward.authoring.registry import JobTypes
from onward.catalogue.sources.chains import CHAINS, Chain, build_phases
from onward.catalogue.sources.intake import import_documents
from onward.catalogue.sources.jobs import (
    base_url,
    deletion,
    downloads,
    index,
    metadata,
    pdf_import,
    pinecone,
    publish,
    scrape,
    tags,
    translation,
    vectors,
    visualisation,
    zim_import,
)
from onward.catalogue.sources.search import Hit, search

__all__ = ["CHAINS", "JOB_TYPES", "Chain", "Hit", "build_phases", "import_documents", "search"]

JOB_TYPES = JobTypes()
for _module in (
    scrape,
    zim_import,
    pdf_import,
    base_url,
    metadata,
    index,
    vectors,
    tags,
    translation,
    publish,
    pinecone,
    visualisation,
    downloads,
    deletion,
):
    JOB_TYPES.include(_module.types)
for _name, _chain in CHAINS.items():
    JOB_TYPES.chain(_name, _chain.phases, _chain.label, _chain.aliases)
JOB_TYPES.older_name("reindex", index.chain_by_dimension)
