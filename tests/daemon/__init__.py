"""The daemon as real processes against a real sandbox."""
