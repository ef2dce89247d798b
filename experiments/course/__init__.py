"""The map of the course: every feature, slip and claim of the notes, and where it is here."""
