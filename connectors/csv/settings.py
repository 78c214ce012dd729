"""The settings of a CSV ledger, checked before anything runs."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.csv.cells import Dress
from connectors.csv.layout import Partition

DATE_FORMAT = re.compile(r"%[Ymd][-./ ]?%[Ymd][-./ ]?%[Ymd]")


class CsvSettings(BaseModel):
    """The settings of a CSV ledger."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(
        Path("books"),
        description="The folder of the ledger; a relative one starts at the settings file.",
    )
    partition: Partition = Field(
        "none",
        description="Split the invoice tables by the invoice's issue date: none, year or month.",
    )
    delimiter: Literal[",", ";", "\t", "|"] = Field(",", description="What stands between two cells: , ; | or a tab.")
    decimal: Literal[".", ","] = Field(".", description="The decimal mark of amounts, quantities and rates.")
    encoding: str = Field(
        "utf-8",
        description="The encoding of the files: utf-8, utf-8-sig (for Excel), cp1252, iso-8859-1, …",
    )
    date_format: str = Field(
        "%Y-%m-%d",
        description="How dates are written: %Y, %m and %d, each once, with - . / or a space between.",
    )

    @field_validator("path", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError('should name a folder, such as "books"')
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            name = codecs.lookup(value).name
            "invoice_id,;\t|'\"\r\n0123456789".encode(name)
        except (LookupError, UnicodeError) as error:
            raise ValueError(f"no text encoding is called {value!r}; use utf-8, utf-8-sig, cp1252 …") from error
        if b"\0" in "a".encode(name):
            raise ValueError(f"{value} is not one of the encodings a ledger is written in; use utf-8 or utf-8-sig")
        return name

    @field_validator("date_format")
    @classmethod
    def _whole_date(cls, value: str) -> str:
        parts = re.findall(r"%(.)", value)
        if not DATE_FORMAT.fullmatch(value) or sorted(parts) != ["Y", "d", "m"]:
            raise ValueError(
                "a date format has %Y, %m and %d, each once, with - . / or a space between, as in %d.%m.%Y"
            )
        return value

    @model_validator(mode="after")
    def _two_marks(self) -> CsvSettings:
        if self.delimiter == self.decimal:
            raise ValueError('delimiter and decimal are both ","; with decimal = "," take delimiter = ";"')
        return self

    @property
    def dress(self) -> Dress:
        """Tell how the files are written."""
        return Dress(self.delimiter, self.decimal, self.encoding, self.date_format)
