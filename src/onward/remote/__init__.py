"""A server's application over HTTP, with the verbs and nouns of ``Onward``."""

from onward.remote.remote import Remote

__all__ = ["Remote"]
