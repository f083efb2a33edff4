"""The outside world of sources: the web, folders and archives, models, the vector database."""
