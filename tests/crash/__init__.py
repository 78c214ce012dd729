"""Crash points, counted: every point at which a run could be stopped dead, and a run that is stopped there."""
