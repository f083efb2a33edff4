"""HTTP: the interface for programs and pages under ``/api/v1``, live events, and the pages themselves."""
