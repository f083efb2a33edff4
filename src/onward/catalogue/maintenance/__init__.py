"""Tidying up the application itself: pruning finished jobs, and what failed ones have saved."""

from onward.catalogue.maintenance.pruning import job_types

__all__ = ["job_types"]
