"""stub"""
SCHEMA = ""
class Spool:
    def __init__(self, ledger, db): ...
    def load(self): raise NotImplementedError
