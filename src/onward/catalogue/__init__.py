"""Job types that ship. Each kind is a guest: it imports what a user's own job could import, and no other kind."""
