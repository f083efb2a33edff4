"""The commands, a file for each noun; loaded when one of them is used."""
