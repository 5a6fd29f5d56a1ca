"""The API by which institutions' own systems send, follow and decide: one table of operations makes all of it."""
