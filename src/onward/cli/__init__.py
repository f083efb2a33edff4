"""The command line: ``main`` and the tree of commands; what people see is made in ``show``, what they say is read in ``input``."""
