"""``onward job``: looking at jobs, and steering them."""

from __future__ import annotations

from onward.cli.nouns import job_export, job_look, job_show, job_steer
from onward.cli.nouns.job_noun import verbs

__all__ = ["job_export", "job_look", "job_show", "job_steer", "verbs"]
