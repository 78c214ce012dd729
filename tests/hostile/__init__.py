"""The hostile ledger: books over HTTP that misbehave on purpose, and a connector to them."""
