"""Models that every kind may use: embeddings by name or address, and chat with a language model."""
