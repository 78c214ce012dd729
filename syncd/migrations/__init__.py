"""The steps that bring an older state up to date, run by Alembic when the state is opened."""
