"""A FastFaktura account on loopback: the documented API, every undocumented habit as an option.

It is the server of the tests and of the demo. Nothing here talks to FastFaktura.
Source of the documented part: FastFaktura API documentation, version 1.0.0.
"""
