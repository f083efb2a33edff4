"""The command line: ``main``, the tree of commands, what people see (``show``) and what they type (``input``)."""
