"""What addresses look like where: postcodes by country, and words that give away what is no town. Data only, and pure.

Formats of postcodes: Universal Postal Union, addressing systems by country.
"""

from __future__ import annotations

import re
from typing import Final

_FOUR: Final = "AT BE CH DK GL HU LI LU NO SI SJ BG"
_FIVE: Final = "DE EE ES FI AX FR HR IT MC SM TR GP MQ GF RE YT"
_THREE_TWO: Final = "SE CZ SK GR"

CODES: Final = {
    **{country: rf"(?:{country}-|[A-Z]-)?\d{{4}}" for country in _FOUR.split()},
    **{country: rf"(?:{country}-|[A-Z]-)?\d{{5}}" for country in _FIVE.split()},
    **{country: rf"(?:{country}-|[A-Z]-)?\d{{3}} ?\d{{2}}" for country in _THREE_TWO.split()},
    "FO": r"(?:FO-)?\d{3}",
    "IS": r"(?:IS-)?\d{3}",
    "NL": r"\d{4} ?[A-Z]{2}",
    "PL": r"\d{2}-\d{3}",
    "PT": r"\d{4}-\d{3}",
    "LV": r"LV-\d{4}",
    "LT": r"(?:LT-)?\d{5}",
    "RO": r"\d{6}",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "IE": r"[A-Z]\d[\dW] ?[A-Z\d]{4}",
    "US": r"\d{5}(?:-\d{4})?",
    "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d",
    "AU": r"\d{4}",
}
"""ISO code → the form of its postcodes. A country that is not here has its addresses kept whole."""

WITH_STATES: Final = frozenset({"US", "CA", "AU"})
"""Countries that write the code of the state between town and postcode."""

BEHIND: Final = re.compile(r"[A-Za-z]{1,2}\d")
"""How a postcode begins that is written behind the town (``SW1A 2AA``, but not ``SE-111 22``)."""

BOXES: Final = frozenset(
    {"bp", "bo", "cs", "cp", "tsa", "box", "boks", "postboks", "postbox", "postfach", "pobox", "po", "postbus", "boite"}
)
"""Words before a number that is the number of a box."""

_NOT_IN_TOWNS: Final = (
    "rue avenue av ave bd bld boulevard place chemin route allee impasse quai cours faubourg residence batiment bat",
    "street road rd lane drive close crescent terrace gardens row walk mews highway parkway blvd",
    "gate gata gt gatan gade veg vei veien vej vag vagen plass plads torg torget",
    "strasse str weg platz allee gasse straat laan via viale piazza calle plaza rua ulica",
    "house building tower floor flat unit suite apt apartment etasje etage vaning hus studio studios",
    "estate park centre center hall farm cottage mill works business industrial lodge barn court manor yard wharf",
)
NOT_IN_TOWNS: Final = BOXES | {word for line in _NOT_IN_TOWNS for word in line.split()}
"""Words of streets and houses, folded (see ``countries.fold``): what has one in it may be no town."""

STREET_ENDS: Final = ("gata", "gaten", "gatan", "gade", "veien", "vegen", "vagen", "strasse", "straat")
"""How words end that are streets, folded."""

COUNTIES: Final = frozenset(
    {
        *("surrey", "kent", "essex", "east sussex", "west sussex", "sussex", "norfolk", "suffolk", "devon", "cornwall"),
        *("dorset", "somerset", "avon", "cumbria", "westmorland", "cumberland", "durham", "co durham", "rutland"),
        *("middlesex", "middx", "merseyside", "tyne and wear", "tyne wear", "west midlands", "greater manchester"),
        *("greater london", "isle of wight", "cleveland", "humberside", "isle of man", "gwent", "dyfed", "gwynedd"),
        *("powys", "clwyd", "glamorgan", "mid glamorgan", "south glamorgan", "west glamorgan", "anglesey", "conwy"),
        *("fife", "highland", "highlands", "lothian", "east lothian", "west lothian", "midlothian", "strathclyde"),
        *("tayside", "grampian", "borders", "scottish borders", "central", "angus", "moray", "orkney", "shetland"),
        *("antrim", "armagh", "down", "fermanagh", "londonderry", "tyrone", "co antrim", "co armagh", "co down"),
        *("co fermanagh", "co londonderry", "co tyrone", "bucks", "berks", "beds", "cambs", "glos", "hants", "herts"),
        *("lancs", "leics", "lincs", "northants", "notts", "oxon", "staffs", "wilts", "worcs", "yorks", "salop"),
        *("england", "scotland", "wales", "northern ireland", "uk", "gb", "united kingdom", "great britain"),
        *("ireland", "eire"),
    }
)
"""Counties and countries of Britain and Ireland, folded, but for those that end in -shire or hold "county"."""
