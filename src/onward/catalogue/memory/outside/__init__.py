"""Where memories are kept: tables of this kind's own, in onward's database or any other."""
