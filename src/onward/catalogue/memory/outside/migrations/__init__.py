"""Migrations of the tables of memories, each a step of their schema."""
