"""Made-up companies, Nordic, French, British and American, with addresses and phones that fit.

Names, people and addresses are inventions; mail domains are reserved ones (RFC 2606).
"""

import random
import unicodedata
from typing import NamedTuple

from syncd.sandbox.records import Json, make_id


class Country(NamedTuple):
    """What companies of a country look like. In phones and postcodes `#` stands for a digit."""

    code: str
    currency: str
    locale: str
    rates: tuple[int, ...]
    stems: tuple[str, ...]
    trades: tuple[str, ...]
    forms: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    address: str
    phone: str


COUNTRIES = {
    country.code: country
    for country in (
        Country(
            *("NO", "NOK", "nb", (25, 12, 0)),
            ("Fjord", "Nordlys", "Bjørk", "Sørland", "Østre", "Tind", "Havblikk", "Ås"),
            ("Bygg", "Regnskap", "Rør", "Design", "Transport", "Elektro"),
            ("AS", "ENK", "ANS"),
            ("Storgata", "Kirkegata", "Sjøgata", "Øvre Slottsgate", "Bjørnveien"),
            ("0155 Oslo", "5003 Bergen", "7011 Trondheim", "9008 Tromsø", "4006 Stavanger"),
            *("{street} {number}, {city}, Norge", "+47 4## ## ###"),
        ),
        Country(
            *("SE", "SEK", "sv", (25, 12, 6, 0)),
            ("Björk", "Älvdal", "Mälar", "Norrsken", "Skärgård", "Småland", "Ängs"),
            ("Bygg", "Redovisning", "Måleri", "Konsult", "Bageri", "Förlag"),
            ("AB", "HB", "Ekonomisk förening"),
            ("Drottninggatan", "Storgatan", "Sveavägen", "Östra Hamngatan", "Åsögatan"),
            ("111 51 Stockholm", "411 07 Göteborg", "211 20 Malmö", "903 26 Umeå"),
            *("{street} {number}, {city}, Sverige", "+46 70 ### ## ##"),
        ),
        Country(
            *("DK", "DKK", "en", (25, 0)),
            ("Øresund", "Skov", "Kløver", "Vestkyst", "Rødhus", "Ærø"),
            ("Byg", "Revision", "Tømrer", "Møbler", "Vin", "Havn"),
            ("ApS", "A/S", "I/S"),
            ("Nørregade", "Vestergade", "Østerbrogade", "Algade", "Søndergade"),
            ("1165 København K", "8000 Aarhus C", "5000 Odense C", "9000 Aalborg"),
            *("{street} {number}, {city}, Danmark", "+45 ## ## ## ##"),
        ),
        Country(
            *("FI", "EUR", "en", (25, 12, 0)),
            ("Järvi", "Pohjola", "Kivi", "Meri", "Tähti"),
            ("Rakennus", "Tilit", "Puutyö", "Konsultointi"),
            ("Oy", "Tmi", "Oyj"),
            ("Mannerheimintie", "Hämeenkatu", "Yliopistonkatu", "Kirkkokatu"),
            ("00100 Helsinki", "33100 Tampere", "20100 Turku", "90100 Oulu"),
            *("{street} {number}, {city}, Suomi", "+358 40 ### ####"),
        ),
        Country(
            *("FR", "EUR", "fr", (20, 6, 0)),
            ("Lumière", "Côté Sud", "Bérénice", "L'Étoile", "Garonne", "Façade", "Cœur"),
            ("Plomberie", "Conseil", "Boulangerie", "Menuiserie", "Édition", "Traiteur"),
            ("SARL", "SAS", "EURL", "& Fils"),
            ("rue de la République", "avenue Victor-Hugo", "rue de l'Église", "quai des Célestins"),
            ("75004 Paris", "69002 Lyon", "33000 Bordeaux", "13001 Marseille", "59000 Lille"),
            *("{number}, {street}, {city}, France", "+33 6 ## ## ## ##"),
        ),
        Country(
            *("GB", "GBP", "en", (20, 0)),
            ("Ashdown", "Thornbury", "Kestrel", "O'Connell", "Harrow", "Pennine", "Mill Lane"),
            ("Joinery", "Accountants", "Catering", "Press", "Plumbing", "Studio"),
            ("Ltd", "LLP", "& Sons", "plc"),
            ("High Street", "Church Road", "Station Road", "Queen's Parade", "Mill Lane"),
            ("London EC1V 9HX", "Leeds LS1 4AP", "Bristol BS1 5TR", "Edinburgh EH2 2ER"),
            *("{number} {street}, {city}, United Kingdom", "+44 7700 900###"),
        ),
        Country(
            *("US", "USD", "en", (0,)),
            ("Redwood", "Lakeside", "Granite", "Blue Ridge", "Prairie"),
            ("Supply", "Consulting", "Outfitters", "Media", "Foods"),
            ("LLC", "Inc.", "Corp."),
            ("Main Street", "Oak Avenue", "2nd Street", "Washington Blvd"),
            ("Portland, OR 97201", "Austin, TX 78701", "Burlington, VT 05401"),
            *("{number} {street}, {city}, USA", "+1 202 555 01##"),
        ),
    )
}
WEIGHTS = {"NO": 24, "SE": 18, "DK": 12, "FI": 6, "FR": 18, "GB": 16, "US": 6}
TAGS = ("vip", "retail", "b2b", "monthly", "åpen post", "late payer")
AWKWARD_NAMES = (
    '=HYPERLINK("http://example.org","click") {form}',
    "'t Hoekje {form}",
    'Möbel "Küche; Bad", Grün & Söhne {form}',
    "+Plus {form}",
    "@home {form}",
    "-Minus- {form}",
    "Line one\nLine two {form}",
    "  Spaces   inside  {form}",
    "日本 Trading {form}",
)


def company(rng: random.Random, seed: int, number: int, country: Country | None = None) -> Json:
    """Return one client (documented Client) drawn from `rng`."""
    place = country or COUNTRIES[rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]]
    form = rng.choice(place.forms)
    name = f"{rng.choice(place.stems)} {rng.choice(place.trades)} {form}"
    if rng.random() < 0.04:
        name = rng.choice(AWKWARD_NAMES).format(form=form)
    mailbox = f"{slug(name) or 'post'}-{number}"
    top = rng.choice(("com", "org", "net"))
    return {
        "id": make_id(seed, "client", number),
        "name": name,
        "email": None if rng.random() < 0.06 else f"{mailbox}@example.{top}",
        "phone": None if rng.random() < 0.15 else phone(rng, place),
        "address": None if rng.random() < 0.05 else address(rng, place),
        "country": None if rng.random() < 0.04 else place.code,
        "locale": place.locale,
        "external_id": f"C-{1000 + number}" if rng.random() < 0.1 else None,
        "tags": sorted(rng.sample(TAGS, rng.choice((0, 0, 0, 1, 1, 2)))),
        "archived_at": None,
    }


def place_of(client: Json) -> Country:
    """Return the country whose habits a client follows; an unlisted one is taken as French."""
    return COUNTRIES.get(client["country"] or "NO", COUNTRIES["FR"])


def phone(rng: random.Random, place: Country) -> str:
    """Return a phone number of the country in E.164."""
    return "".join(str(rng.randrange(10)) if mark == "#" else mark for mark in place.phone if mark != " ")


def address(rng: random.Random, place: Country) -> str:
    """Return a postal address of the country, now and then on two lines."""
    text = place.address.format(
        street=rng.choice(place.streets), number=rng.randint(1, 140), city=rng.choice(place.cities)
    )
    return text.replace(", ", "\n", 1) if rng.random() < 0.08 else text


def slug(name: str) -> str:
    """Return the ASCII letters and digits of a name, joined with `-`, for a mailbox."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())[:40]
