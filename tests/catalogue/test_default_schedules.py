"""Schedules that ship with the kinds of the catalogue: disabled, with the reason, where a service is missing."""

from __future__ import annotations

from typing import Any

from onward.authoring.registry import JobTypes
from onward.catalogue import memory, vault
from onward.model.schedule import DefaultSchedule
from onward.settings import Settings


def declared(kind: Any, settings: Settings) -> DefaultSchedule:
    types: JobTypes = kind.job_types(settings)
    (found,) = types.default_schedules()
    return found


def test_profiles_are_made_for_all_bots_each_hour_once_there_is_a_model() -> None:
    found = declared(memory, Settings())
    assert (found.job_type, found.interval_minutes, found.bot_id) == ("profile_maintenance", 60, "*")
    assert found.ready is not None
    assert "ONWARD_MODELS_LOCAL_ADDRESS" in str(found.ready())
    given = Settings(models={"local_address": "http://127.0.0.1:1/v1"}, profile_maintenance={"interval_minutes": "2h"})
    found = declared(memory, given)
    assert found.interval_minutes == 120
    assert found.ready is not None
    assert found.ready() is None


def test_a_vault_is_synced_each_half_hour_once_there_is_one() -> None:
    found = declared(vault, Settings())
    assert (found.job_type, found.cron) == ("vault_sync", "*/30 * * * *")
    assert found.ready is not None
    assert "ONWARD_VAULT_PATH" in str(found.ready())
    found = declared(vault, Settings(vault={"path": "notes"}))
    assert found.ready is not None
    assert found.ready() is None
