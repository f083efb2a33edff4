"""Conversations: old checkpoints of LangGraph's threads, cleaned up where they are kept."""

from onward.catalogue.conversations.cleanup import job_types
from onward.catalogue.conversations.functions import cleanup_old_checkpoints, cleanup_user_checkpoints
from onward.catalogue.conversations.outside.connection import get_redis_connection

__all__ = ["cleanup_old_checkpoints", "cleanup_user_checkpoints", "get_redis_connection", "job_types"]
