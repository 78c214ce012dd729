"""Which tax of the books stands for a rate, and for a client's country; and which rate a tax has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from connectors.odoo.countries import country_code

OTHERS = "*"
"""In the settings, the countries that are not named."""

Mapped = Mapping[str, str | Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Tax:
    """One active sales tax, as ``account.tax`` has it.

    ``rate``: its percentage, or whatever its amount is, as a plain decimal (``"5.5"``). ``why_not``: why no line can
    have it (it is included in prices, say), or ``None``.
    """

    id: int
    name: str
    rate: str
    scope: str | None = None
    why_not: str | None = None

    def __str__(self) -> str:
        """Show it as a person finds it."""
        return f'"{self.name}" (id {self.id}{f", {self.scope}" if self.scope else ""})'


@dataclass(frozen=True, slots=True)
class Taxes:
    """The sales taxes of the books, and what the settings say about them.

    ``archived``: rates by id of those that no new line gets, but lines that were booked before may bear.
    ``others``: active ones that are not in percent, which are told and never taken.
    ``mapped`` is ``Context.taxes``: rate → name or id of a tax, or rate → client's country → name or id.
    ``by_payment``: one of them, archived or not, falls due by payment.
    """

    taxes: tuple[Tax, ...] = ()
    mapped: Mapped = field(default_factory=dict)
    archived: Mapping[int, str] = field(default_factory=dict)
    others: tuple[Tax, ...] = ()
    by_payment: bool = False

    def id_for(self, rate: str, country: str | None) -> int | str:
        """Choose the tax for a rate (plain decimal) and a client's country as its owner wrote it; or say why not."""
        chosen = self.mapped.get(rate)
        if isinstance(chosen, str):
            return self._named(rate, chosen, f"taxes.{key(rate)}")
        if chosen is not None:
            return self._by_country(rate, country, chosen)
        usable = self._of_rate(rate)
        if len(usable) == 1:
            return usable[0].id
        if usable:
            return f"{rate} %: {_listed(usable)} all have this rate; say under taxes which is meant."
        return self._missing(rate)

    def rate_of(self, tax_id: int) -> str | None:
        """Tell the rate of a tax as a plain decimal; ``None`` where it is no sales tax in percent."""
        return next((tax.rate for tax in self.taxes if tax.id == tax_id), self.archived.get(tax_id))

    def ambiguous(self) -> Iterator[tuple[str, tuple[Tax, ...]]]:
        """Yield each rate of which there are several, where the settings do not say which."""
        for rate in sorted({tax.rate for tax in self.taxes}, key=float):
            if rate not in self.mapped and len(usable := self._of_rate(rate)) > 1:
                yield rate, usable

    def choices(self) -> dict[str, dict[str, str]]:
        """Name, for each rate, the taxes to choose from as the settings take them: by name, else by id."""
        found: dict[str, dict[str, str]] = {}
        for rate in sorted({tax.rate for tax in self.taxes}, key=float):
            usable = self._of_rate(rate)
            names = [tax.name for tax in usable]
            named = {tax.name if names.count(tax.name) == 1 else str(tax.id): str(tax) for tax in usable}
            if named:
                found[f"taxes.{key(rate)}"] = named
        return found

    def faults(self) -> Iterator[str]:
        """Say what is wrong with what the settings name."""
        for rate, chosen in self.mapped.items():
            named = (
                {f"taxes.{key(rate)}": chosen}
                if isinstance(chosen, str)
                else {f"taxes.{key(rate)}.{key(country)}": name for country, name in chosen.items()}
            )
            for where, name in named.items():
                found = self._named(rate, name, where)
                if isinstance(found, str):
                    yield found

    def _of_rate(self, rate: str) -> tuple[Tax, ...]:
        return tuple(tax for tax in self.taxes if tax.rate == rate and tax.why_not is None)

    def _by_country(self, rate: str, country: str | None, chosen: Mapping[str, str]) -> int | str:
        if not country:
            return f"{rate} %: the tax depends on the client's country (taxes.{key(rate)}), and the client has none."
        country = country_code(written := country)
        if country is None:
            return (
                f"{rate} %: the tax depends on the client's country (taxes.{key(rate)}), "
                f'and the client\'s is "{written}", which is no country that is known.'
            )
        by_code = {code.strip().upper(): name for code, name in chosen.items()}
        for code in (country, OTHERS):
            if code in by_code:
                return self._named(rate, by_code[code], f"taxes.{key(rate)}.{key(code)}")
        named = ", ".join(sorted(by_code))
        return f"{rate} %: taxes.{key(rate)} names no tax for clients in {country} (only for {named}); add {country}."

    def _named(self, rate: str, name: str, where: str) -> int | str:
        """Find a tax by name or by id, and make sure that it has the rate."""
        name = name.strip()
        named = [tax for tax in self.taxes if tax.name == name]
        if not named and name.isascii() and name.isdecimal():
            named = [tax for tax in self.taxes if tax.id == int(name)]
        if not named:
            there = self._of_rate(rate)
            told = f"those of {rate} % are {_listed(there)}" if there else f"there is none of {rate} % at all"
            return f'{where} is "{name}", but no active sales tax in percent is called so; {told}.'
        fitting = [tax for tax in named if tax.rate == rate]
        if not fitting:
            return f'{where} is "{name}", but that tax has {named[0].rate} % and not {rate} %.'
        if len(fitting) > 1:
            return f'{where} is "{name}", but several are called so: {_listed(fitting)}; give the id instead.'
        tax = fitting[0]
        return f"{where} is {tax}, but {tax.why_not}." if tax.why_not else tax.id

    def _missing(self, rate: str) -> str:
        unusable = [tax for tax in (*self.taxes, *self.others) if tax.rate == rate]
        if unusable:
            return f"{rate} %: " + "; ".join(f"{tax}: {tax.why_not}" for tax in unusable) + "."
        return f"{rate} %: there is no active sales tax of this rate; an administrator makes one in Odoo."


def key(text: str) -> str:
    """Write a key of the settings as TOML has it."""
    return text if text.replace("-", "").replace("_", "").isalnum() and text.isascii() else f'"{text}"'


def _listed(taxes: Iterable[Tax]) -> str:
    return ", ".join(map(str, taxes))
