"""Benchmarks: one file per question, each measured in a fresh process on fresh storage, with durability on."""
