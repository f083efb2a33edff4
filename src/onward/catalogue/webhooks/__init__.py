"""Webhooks: what happens to jobs, told to web addresses in signed messages, each a job of its own."""

from onward.catalogue.webhooks.delivery import job_types
from onward.catalogue.webhooks.signature import sign, verify

__all__ = ["job_types", "sign", "verify"]
