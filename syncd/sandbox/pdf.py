"""A one-page PDF of an invoice, small and valid, without any library."""

from syncd.sandbox.records import Invoice

PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"


def pdf(invoice: Invoice) -> bytes:
    """Return a PDF (version 1.4) that shows number, total, currency and status."""
    cents = abs(invoice.total_cents)
    sign = "-" if invoice.total_cents < 0 else ""
    amount = f"{sign}{cents // 100}.{cents % 100:02d} {invoice.currency}"
    text = _escaped(f"Invoice {invoice.number}: {amount} ({invoice.status})")
    stream = b"BT /F1 14 Tf 50 780 Td (" + text + b") Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        PAGE,
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    return _file(objects)


def _file(objects: tuple[bytes, ...]) -> bytes:
    body = b"%PDF-1.4\n"
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for number, content in enumerate(objects, 1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return body + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(body)


def _escaped(text: str) -> bytes:
    for special in "\\()":
        text = text.replace(special, "\\" + special)
    return text.encode("latin-1", "replace")
