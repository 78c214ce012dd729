"""The calls that are made to the stand-in and to the real Odoo, so that the answers can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from connectors.odoo.client import Odoo
from connectors.odoo.company import Company
from connectors.odoo.errors import LoadRefused, OdooAnswer
from connectors.odoo.move_reading import LINE_FIELDS, MOVE_FIELDS
from connectors.odoo.partners import PARTNER_FIELDS
from connectors.odoo.settlements import LINE_FIELDS as OPEN_FIELDS
from connectors.odoo.settlements import MOVE_FIELDS as PAID_FIELDS
from connectors.odoo.settlements import PAIR_FIELDS, PARTIAL_FIELDS
from tests.odoo.office import prepare
from tests.odoo.place import Place
from tests.odoo.standin.compare import told
from tests.odoo.standin.record import open_books

ALL = {"active_test": False}
QUIET = {"tracking_disable": True}
MOVE = "account.move"
LINE = "account.move.line"
PAYMENT = "account.payment"
FILE = "ir.attachment"
HEAD = (
    *("id", "currency_id/.id", "invoice_date", "invoice_date_due", "invoice_origin", "invoice_payment_term_id/.id"),
    *("journal_id/.id", "move_type", "name", "narration", "partner_id/.id", "payment_reference", "ref"),
)
BELOW = tuple(
    f"invoice_line_ids/{name}" for name in ("name", "quantity", "price_unit", "account_id/.id", "tax_ids/.id")
)
CLIENT = "res.partner"
COLUMNS = (
    *("id", "name", "email", "phone", "country_id/.id", "lang", "ref", "category_id/.id"),
    *("is_company", "active"),
)
TAGS = (["syncd.t-1", "vip"], ["syncd.t-2", "b2b"])
Invoice = tuple[str, str, str, Sequence[tuple[str, str, str]]]
INVOICES: tuple[Invoice, ...] = (
    ("A-1", "out_invoice", "EUR", (("1", "33.33", "19"), ("3", "0.99", "25"), ("2", "10.00", "0"))),
    ("A-2", "out_invoice", "NOK", (("1", "33.33", "25"), ("1", "33.33", "25"), ("7", "1.07", "12"), ("1", "0.05", ""))),
    ("A-3", "out_refund", "GBP", (("1", "12.34", "20"),)),
    ("A-4", "out_invoice", "EUR", (("1", "5.00", "0"), ("-1", "5.00", "0"))),
    ("A-5", "out_invoice", "SEK", (("1", "0.01", "0"),)),
    ("A-6", "out_invoice", "NOK", (("1", "100.00", "25"), ("0.5", "19.99", "6"))),
    (
        "A-8",
        "out_invoice",
        "USD",
        (("0.5", "19.99", "25"), ("0.5", "19.99", "25"), ("0.5", "0.33", "6"), ("1", "7.77", "")),
    ),
    (
        "A-9",
        "out_refund",
        "DKK",
        (("1.5", "3.33", "25"), ("2.5", "1.11", "12"), ("0.5", "9.99", "0"), ("1", "88.01", "19")),
    ),
    ("A-7", "out_invoice", "NOK", (*[("1", "3.33", "0")] * 9,)),
)
"""Number, type, currency, and of each line quantity, price and the rate of its tax."""


class Script:
    """The same calls for whichever Odoo, and what was answered; ids are taken out of the answers that came before."""

    def __init__(self, place: Place) -> None:
        self.place = place
        prepare(place)
        self.odoo: Odoo = place.client()
        self.answers: list[tuple[str, Any]] = []
        self.books = open_books(place, self.odoo)
        assert self.books.journal is not None
        assert self.books.payment_journal is not None
        self.journal, self.bank = self.books.journal.id, self.books.payment_journal.id
        self.text = "memo" if self.books.features.memo else "ref"
        self.new = self.books.features.account_type

    def ask(self, what: str, call: Callable[[], Any]) -> Any:
        """Make a call, and keep what came of it."""
        try:
            answer = call()
        except LoadRefused as error:
            self.answers.append((what, [("refused", message.record) for message in error.messages]))
            return None
        except OdooAnswer as error:
            self.answers.append((what, ("refused", error.kind)))
            return None
        self.answers.append((what, told(answer)))
        return answer

    def load(self, what: str, model: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, once: bool) -> Any:
        return self.ask(what, lambda: self.odoo.load(model, columns, rows, once=once, context={**ALL, **QUIET}))

    def act(self, what: str, model: str, method: str, ids: Sequence[int], **arguments: Any) -> None:
        """Call a method; what it gives back means nothing."""
        self.ask(what, lambda: bool([self.odoo.call(model, method, ids, context=QUIET, **arguments)]))

    def read(self, what: str, model: str, domain: Sequence[Any], fields: Sequence[str], **more: Any) -> list[Any]:
        there = self.odoo.fields_of(model) if model == MOVE else fields
        known = [name for name in fields if name in there]
        rows = self.ask(what, lambda: self.odoo.search_read(model, domain, known, **more))
        return rows or []


def partners(script: Script) -> list[int]:
    """Make, find, change and archive partners."""
    tags = script.load("tags", "res.partner.category", ["id", "name"], TAGS, once=True)
    vip, both, norway = str(tags[0]), f"{tags[0]},{tags[1]}", str(script.books.countries["NO"])
    rows = [
        ["syncd.c-1", "Fjord AS", " Post@Fjord.example", "+47 1", norway, "nb_NO", "K1", both, "1", "1"],
        ["syncd.c-2", "Ærlig & Co", "", "", "", "", "", "", "1", "1"],
        ["syncd.c-3", "Gone Ltd", "gone@example.com", "", "", "en_US", "K3", vip, "1", "0"],
    ]
    ids: list[int] = script.load("partners", CLIENT, COLUMNS, rows, once=True)
    assert script.load("partners again", CLIENT, COLUMNS, rows, once=True) == ids
    nameless = [["syncd.c-5", "X"], ["syncd.c-6", ""]]
    script.load("a partner without a name", CLIENT, ["id", "name"], nameless, once=True)
    script.load("a partner changed", CLIENT, [".id", "phone"], [[str(ids[0]), "+47 2"]], once=False)
    script.read("partners read", CLIENT, [("id", "in", ids)], [*PARTNER_FIELDS, "email_normalized"], context=ALL)
    script.read("without the archived", CLIENT, [("id", "in", ids)], ["name"])
    emails = ("email_normalized", "in", ["gone@example.com"])
    ways = ["|", "|", ("ref", "in", ["K1"]), emails, ("name", "in", ["Ærlig & Co"])]
    latest = {"order": "write_date desc", "limit": 3}
    script.read("partners found", CLIENT, ways, ["write_date"], context=ALL, **latest)
    firms = [("id", "in", ids), ("active", "in", [True, False])]
    script.read("firms", CLIENT, firms, ["commercial_partner_id"])
    script.ask("their external ids", lambda: sorted(script.odoo.external_ids(CLIENT, ids).values()))
    return ids


def rows_of(script: Script, partner: int, invoice: Invoice, external: str = "") -> list[list[str]]:
    """Give the rows of one invoice for ``load``."""
    number, kind, currency, lines = invoice
    books = script.books
    taxes = {tax.rate: str(tax.id) for tax in books.taxes.taxes if tax.name.startswith("Sync")} | {"": ""}
    head = [external or f"syncd.ff-i-{number}", str(books.currencies[currency]), "2026-03-01", "", f"ff-i-{number}", ""]
    head += [str(script.journal), kind, number, "", str(partner), number, ""]
    below = [["Work", quantity, price, str(books.account), taxes[rate]] for quantity, price, rate in lines]
    return [[*(head if place == 0 else [""] * len(head)), *line] for place, line in enumerate(below)]


def invoices(script: Script, partner: int) -> dict[str, int]:
    """Make drafts, set a tax, and post."""
    every = [row for invoice in INVOICES for row in rows_of(script, partner, invoice)]
    ids = script.load("invoices", MOVE, [*HEAD, *BELOW], every, once=True)
    assert script.load("invoices again", MOVE, [*HEAD, *BELOW], every, once=True) == ids
    script.read("drafts", MOVE, [("id", "in", ids)], MOVE_FIELDS)
    look(script, "drafts", ids)
    set_tax(script, ids[0])
    look(script, "with another tax", ids[:1])
    script.act("post", MOVE, "action_post", ids)
    script.read("posted", MOVE, [("journal_id", "=", script.journal)], MOVE_FIELDS)
    script.ask("external ids", lambda: sorted(script.odoo.external_ids(MOVE, ids).values()))
    company = script.odoo.company
    scope = [("move_type", "in", ["out_invoice"]), ("company_id", "=", company), ("state", "=", "posted")]
    others = [*scope, "|", ("invoice_origin", "=", False), ("invoice_origin", "not like", "ff-i-")]
    script.read("of others", MOVE, others, ["name"])
    return dict(zip([one[0] for one in INVOICES], ids, strict=True))


def told_amounts(script: Script, partner: int) -> None:
    """Read rates, and make a draft whose lines come with amounts: what is wrong in them counts for nothing."""
    currency = script.books.currencies["NOK"]
    domain = ["|", ("company_id", "=", False), ("company_id", "parent_of", script.odoo.company)]
    fields = ["currency_id", "company_id", "name", "rate"]
    own = [("currency_id", "=", currency), ("name", "<=", "2026-03-01")]
    script.read("rates", "res.currency.rate", [*own, *domain], fields, order="name desc", limit=5)
    tagged = [("tax_id", "in", [tax.id for tax in script.books.taxes.taxes]), ("repartition_type", "=", "base")]
    fields = ["tax_id", "document_type", "tag_ids"]
    script.read("tags", "account.tax.repartition.line", [*tagged, ("tag_ids", "!=", False)], fields)
    columns = [*HEAD, *BELOW, "invoice_line_ids/amount_currency", "invoice_line_ids/balance"]
    invoice: Invoice = ("A-T", "out_invoice", "NOK", (("1", "33.33", "25"), ("2", "1.07", "0"), ("1", "5.00", "25")))
    cells = (["-33.33", "-2.90"], ["-1.00", "-7.00"], ["", ""])
    rows = [[*row, *more] for row, more in zip(rows_of(script, partner, invoice), cells, strict=True)]
    ids = script.load("an invoice told its amounts", MOVE, columns, rows, once=True)
    look(script, "an invoice told its amounts", ids)
    fields = ["amount_currency", "balance"]
    script.read("amounts told", LINE, [("move_id", "in", ids), ("display_type", "=", "product")], fields)


def refusals(script: Script, partner: int, posted: int) -> None:
    """Ask for what Odoo will not do, and for what it lets one change of a posted invoice."""
    odoo, twin = script.odoo, rows_of(script, partner, INVOICES[0], "syncd.ff-i-B")
    script.load("a number twice", MOVE, [*HEAD, *BELOW], twin, once=True)
    (twice,) = odoo.ids(MOVE, [("name", "=", INVOICES[0][0]), ("state", "=", "draft")])
    script.act("a number twice posted", MOVE, "action_post", [twice])
    script.act("its name taken off", MOVE, "write", [twice], vals={"name": "/"})
    script.act("deleted", MOVE, "unlink", [twice])
    script.ask("gone", lambda: odoo.ids(MOVE, [("id", "=", twice)]))
    script.act("what is not there", MOVE, "write", [twice], vals={"ref": "x"})
    script.load("texts", MOVE, [".id", "narration", "ref"], [[str(posted), "<p>Thanks</p>", "R"]], once=False)
    script.read("texts", MOVE, [("id", "=", posted)], ["narration", "ref"])
    script.act("a date of a posted one", MOVE, "write", [posted], vals={"invoice_date": "2026-03-02"})
    script.act("posted deleted", MOVE, "unlink", [posted])
    script.act("posted twice", MOVE, "action_post", [posted])
    script.ask("an unknown field", lambda: odoo.search_read(MOVE, [], ["nope"]))


def look(script: Script, what: str, ids: Sequence[int]) -> list[Any]:
    """Read the lines of invoices."""
    shown = (
        [("display_type", "=", "product")]
        if script.new
        else [("exclude_from_invoice_tab", "=", False), ("display_type", "=", False)]
    )
    of = [("move_id", "in", list(ids)), *shown]
    found = script.read(f"lines of {what}", LINE, of, LINE_FIELDS, order="sequence, id")
    lines = [row["id"] for row in found]
    taxes = {
        row["id"]: row["tax_ids"] for row in script.odoo.call(LINE, "read", lines, fields=["tax_ids"], context=ALL)
    }
    script.ask(f"taxes of {what}", lambda: [taxes[line] for line in lines])
    end = ("account_type", "=", "asset_receivable") if script.new else ("account_internal_type", "=", "receivable")
    fields = ["move_id", "tax_line_id", "amount_currency", "balance"]
    domain = [("move_id", "in", list(ids)), "|", ("tax_line_id", "!=", False), end]
    rows = script.odoo.search_read(LINE, domain, fields)
    rows.sort(key=lambda row: (row["move_id"][0], str(row["tax_line_id"])))
    script.ask(f"ledger of {what}", lambda: rows)
    return rows


def set_tax(script: Script, move: int) -> None:
    """Set the first tax of an invoice two cents higher."""
    rows = look(script, "one", [move])
    tax = next(row for row in rows if row["tax_line_id"])
    end = next(row for row in rows if not row["tax_line_id"])
    if script.new:
        more = f"{tax['amount_currency'] - 0.02:.2f}"
        script.load("tax", LINE, [".id", "amount_currency"], [[str(tax["id"]), more]], once=False)
        return
    columns = [".id", "line_ids/.id", "line_ids/credit", "line_ids/debit", "line_ids/amount_currency"]
    credit, debit = f"{0.02 - tax['balance']:.2f}", f"{end['balance'] + 0.02:.2f}"
    below = [str(tax["id"]), credit, "0", f"-{credit}"], [str(end["id"]), "0", debit, debit]
    script.load("tax", MOVE, columns, [[str(move), *below[0]], ["", *below[1]]], once=False)


def changes(script: Script, move: int) -> None:
    """Write an invoice anew, by way of a draft, and cancel it."""
    script.act("to draft", MOVE, "button_draft", [move])
    wanted = ["account_id", "tax_ids", "quantity"]
    rows = script.odoo.search_read(LINE, [("move_id", "=", move), ("price_unit", "in", [19.99, 100.0])], wanted)
    half, one = sorted(rows, key=lambda row: row["quantity"])
    new = {"name": "More", "quantity": 2.0, "price_unit": 15.0, "discount": 0.0, "account_id": half["account_id"][0]}
    new["tax_ids"] = [[6, 0, half["tax_ids"]]]
    lines = [[2, one["id"], 0], [1, half["id"], {**new, "quantity": 3.0, "price_unit": 7.77}], [0, 0, new]]
    values = {"invoice_date": "2026-03-05", "date": "2026-03-05", "invoice_line_ids": lines}
    script.act("written anew", MOVE, "write", [move], vals=values)
    look(script, "the new one", [move])
    script.act("posted again", MOVE, "action_post", [move])
    script.read("written anew", MOVE, [("id", "=", move)], MOVE_FIELDS)
    script.act("cancelled", MOVE, "button_cancel", [move])
    script.read("cancelled", MOVE, [("id", "=", move)], MOVE_FIELDS)


def attachments(script: Script, move: int) -> None:
    """Attach a file once, see it, and take it off."""
    columns = ["id", "name", "res_model", "res_id", "mimetype", "datas"]
    rows = [["syncd.pdf-1", "A-1.pdf", MOVE, str(move), "application/pdf", "JVBERi0xLjQKJSVFT0YK"]]
    ids = script.load("an attachment", FILE, columns, rows, once=True)
    assert script.load("the attachment again", FILE, columns, rows, once=True) == ids
    own = [("res_model", "=", MOVE), ("res_id", "in", [move])]
    script.read("attached", FILE, own, ["name", "mimetype"])
    script.ask("its external id", lambda: list(script.odoo.external_ids(FILE, ids).values()))
    script.act("taken off", FILE, "unlink", ids)
    script.read("taken off", FILE, own, ["name"])
    script.load("attached anew", FILE, columns, rows, once=True)


def payments(script: Script, partner: int, moves: dict[str, int]) -> None:
    """Pay by lists, with and without a difference of exchange, and take one payment back."""
    odoo, paid = script.odoo, {name: moves[name] for name in ("A-1", "A-3", "A-5", "A-7")}
    rows = {row["id"]: row for row in script.read("to be paid", MOVE, [("id", "in", list(paid.values()))], PAID_FIELDS)}
    columns = ["id", "payment_type", "partner_type", "partner_id/.id", "amount", "currency_id/.id", "date"]
    columns += ["journal_id/.id", script.text, *(["invoice_ids/.id"] if script.new else [])]
    data = []
    for name, move in paid.items():
        way = "outbound" if rows[move]["move_type"] == "out_refund" else "inbound"
        total, currency = f"{rows[move]['amount_total']:.2f}", str(rows[move]["currency_id"][0])
        row = [
            f"syncd.ff-p-{name}",
            way,
            "customer",
            str(partner),
            total,
            currency,
            "2026-03-20",
            str(script.bank),
            name,
        ]
        data.append([*row, *([str(move)] if script.new else [])])
    ids = script.load("payments", PAYMENT, columns, data, once=True)
    assert script.load("payments again", PAYMENT, columns, data, once=True) == ids
    match(script, ids, list(paid.values()))
    script.act(
        "taken back" if script.new else "to draft", PAYMENT, "action_cancel" if script.new else "action_draft", ids[-1:]
    )
    if not script.new:
        script.act("taken back", PAYMENT, "action_cancel", ids[-1:])
    settled(script, "taken back", ids, list(paid.values()))
    domain = [("company_id", "=", odoo.company), ("partner_type", "=", "customer"), (script.text, "in", ["A-1", "A-7"])]
    firm = ["&", ("is_reconciled", "=", False), ("partner_id.commercial_partner_id", "in", [partner])]
    script.read("payments found", PAYMENT, ["|", "&", "&", *domain, *firm], ["amount", "state"])


def match(script: Script, payments: Sequence[int], moves: Sequence[int]) -> None:
    """Post payments, and match the first ones by lists and the last one alone."""
    settled(script, "drafts", payments, moves)
    script.act("post payments", PAYMENT, "action_post", payments)
    lines = settled(script, "posted", payments, moves)
    pairs = []
    for payment, move in zip(payments, moves, strict=True):
        one = next(row for row in lines if row["move_id"][0] == move)
        other = next(row for row in lines if row["payment_id"] and row["payment_id"][0] == payment)
        pairs.append((one, other) if one["amount_currency"] > 0 else (other, one))
    data = [
        [
            f"syncd.match-{place}",
            str(one["id"]),
            str(other["id"]),
            *(f"{abs(value):.2f}" for value in (one["balance"], one["amount_currency"], one["amount_currency"])),
        ]
        for place, (one, other) in enumerate(pairs[:-1])
    ]
    partials = script.load("matched by lists", "account.partial.reconcile", list(PAIR_FIELDS), data, once=True)
    vals = [
        {"partial_reconcile_ids": [[6, 0, [partial]]], "reconciled_line_ids": [[6, 0, [one["id"], other["id"]]]]}
        for partial, (one, other) in zip(partials, pairs, strict=False)
    ]
    script.ask("full", lambda: script.odoo.call("account.full.reconcile", "create", vals_list=vals, context=QUIET))
    script.act("matched in a pair", LINE, "reconcile", [line["id"] for line in pairs[-1]])
    settled(script, "matched", payments, moves)


def settled(script: Script, what: str, payments: Sequence[int], moves: Sequence[int]) -> list[Any]:
    """Read all that tells how invoices and payments stand."""
    fields = [
        "name",
        "amount",
        "currency_id",
        "date",
        "state",
        "payment_type",
        "partner_id",
        "journal_id",
        "is_reconciled",
    ]
    script.read(f"payments {what}", PAYMENT, [("id", "in", payments)], [*fields, "reconciled_invoice_ids", script.text])
    script.read(f"invoices {what}", MOVE, [("id", "in", moves)], PAID_FIELDS)
    either = ["|", ("debit_move_id.move_id", "in", moves), ("credit_move_id.move_id", "in", moves)]
    script.read(f"matches {what}", "account.partial.reconcile", either, PARTIAL_FIELDS)
    end = (
        ("account_id.account_type", "=", "asset_receivable")
        if script.new
        else ("account_id.internal_type", "=", "receivable")
    )
    both = [end, "|", ("payment_id", "in", payments), ("move_id", "in", moves)]
    # Which day a line of an invoice without a due date gets depends in Odoo 19 on whether its tax was set.
    sure = [name for name in OPEN_FIELDS if name != "date_maturity"]
    return script.read(f"open lines {what}", LINE, both, sure)


def told_books(books: Company) -> dict[str, Any]:
    """Give what the connector read of the books, but for ids."""
    values = asdict(books)
    journals = {name: values.pop(name)["code"] for name in ("journal", "payment_journal")}
    for name in ("id", "uid", "account", "taxes", "currencies", "countries"):
        values.pop(name)
    rates = [(tax.name, tax.rate, tax.why_not) for tax in books.taxes.taxes]
    return {
        **values,
        **journals,
        "taxes": rates,
        "currencies": sorted(books.currencies),
        "countries": sorted(books.countries),
    }


def play(place: Place) -> list[tuple[str, Any]]:
    """Make all the calls."""
    script = Script(place)
    script.ask("the books", lambda: told_books(script.books))
    partner = partners(script)[0]
    moves = invoices(script, partner)
    if script.odoo.version >= 19:
        told_amounts(script, partner)
    refusals(script, partner, moves["A-1"])
    changes(script, moves["A-6"])
    attachments(script, moves["A-1"])
    payments(script, partner, moves)
    return script.answers
