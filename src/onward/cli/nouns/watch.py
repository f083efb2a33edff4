"""``onward watch``."""

from __future__ import annotations

from onward.cli.command import noun, verb
from onward.cli.nouns.job_look import watch_jobs

verbs = noun("watch", "Follow jobs.")
verb(verbs, "watch", "onward watch @last", "onward watch 7K2M9Q 4QX81B --compact", "onward watch @last --logs")(
    watch_jobs
)
