"""The interface under ``/api/v1``: a file for each noun."""
