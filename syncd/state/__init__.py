"""The state: one database with the mirror, cursors, mappings, journal, problems and holds (DESIGN section 10)."""
