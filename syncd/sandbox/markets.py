"""Where the customers of a retail file live: country code, currency, language and VAT rates.

The rates are among those the sandbox knows (25, 20, 12, 6, 0), close to real ones but no tax
advice: 20 % in Britain with zero-rated print and food; 25 % in the Nordic countries with 12 % on
food and 6 % on print (Denmark: 25 % on all); 20, 12 and 6 % in the rest of the EU; 0 % beyond.
"""

from typing import NamedTuple


class Market(NamedTuple):
    """A country as the sandbox sells there; rates in percent."""

    code: str | None
    currency: str
    locale: str
    rate: int
    food_rate: int
    print_rate: int


_EU = ("EUR", "en", 20, 12, 6)
_NORDIC = (25, 12, 6)
_ABROAD = ("en", 0, 0, 0)
_MARKETS = {
    "United Kingdom": Market("GB", "GBP", "en", 20, 0, 0),
    "Norway": Market("NO", "NOK", "nb", *_NORDIC),
    "Sweden": Market("SE", "SEK", "sv", *_NORDIC),
    "Denmark": Market("DK", "DKK", "en", 25, 25, 25),
    "Finland": Market("FI", "EUR", "sv", *_NORDIC),
    "Iceland": Market("IS", "EUR", "en", *_NORDIC),
    "France": Market("FR", "EUR", "fr", 20, 12, 6),
    "Belgium": Market("BE", "EUR", "fr", 20, 12, 6),
    "Germany": Market("DE", *_EU),
    "EIRE": Market("IE", *_EU),
    "Spain": Market("ES", *_EU),
    "Netherlands": Market("NL", *_EU),
    "Portugal": Market("PT", *_EU),
    "Italy": Market("IT", *_EU),
    "Poland": Market("PL", *_EU),
    "Cyprus": Market("CY", *_EU),
    "Austria": Market("AT", *_EU),
    "Malta": Market("MT", *_EU),
    "Greece": Market("GR", *_EU),
    "Czech Republic": Market("CZ", *_EU),
    "Lithuania": Market("LT", *_EU),
    "European Community": Market(None, *_EU),
    "Channel Islands": Market("JE", "GBP", *_ABROAD),
    "Switzerland": Market("CH", "EUR", *_ABROAD),
    "USA": Market("US", "USD", *_ABROAD),
    "Canada": Market("CA", "USD", *_ABROAD),
    "Australia": Market("AU", "GBP", *_ABROAD),
    "Japan": Market("JP", "GBP", *_ABROAD),
    "Hong Kong": Market("HK", "GBP", *_ABROAD),
    "Singapore": Market("SG", "GBP", *_ABROAD),
    "Israel": Market("IL", "EUR", *_ABROAD),
    "Bahrain": Market("BH", "GBP", *_ABROAD),
    "United Arab Emirates": Market("AE", "GBP", *_ABROAD),
    "Saudi Arabia": Market("SA", "GBP", *_ABROAD),
    "Lebanon": Market("LB", "EUR", *_ABROAD),
    "Brazil": Market("BR", "EUR", *_ABROAD),
    "RSA": Market("ZA", "GBP", *_ABROAD),
}
_ELSEWHERE = Market(None, "GBP", "en", 0, 0, 0)


def market_of(country: str) -> Market:
    """Return the market of a country as the file names it; an unknown one is paid in pounds."""
    return _MARKETS.get(country, _ELSEWHERE)
