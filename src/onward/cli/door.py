"""What a command speaks to: an application on its database, or a server that has one."""

from __future__ import annotations

from typing import TypeAlias

import onward
from onward.remote import Remote

Door: TypeAlias = "onward.Onward | Remote"
