"""A two-page PDF (the contract of the holiday house) and a contact card, both written by hand."""

from samples.people import CARD_NAME, EMAILS, PHONES

_PAGES = (
    (
        "CONTRATO DE ARRENDAMENTO DE CURTA DURACAO",
        "Monte da Nora, Monsaraz",
        "Entrada: 30 de abril de 2026, 16h00. Saida: 4 de maio de 2026, 11h00.",
        "Preco: 760 euros, limpeza incluida. Oito camas.",
    ),
    (
        "REGRAS DA CASA",
        "1. O cao chama-se Doutor e ja jantou.",
        "2. O forno a lenha apaga-se sozinho. Nao o ajude.",
        "3. Nao se salta para o poco. Outra vez.",
    ),
)


def contract() -> bytes:
    """A valid PDF 1.4 of two pages, uncompressed, with its cross-reference table."""
    streams = []
    for lines in _PAGES:
        shown = " ".join(f"({line}) Tj T*" for line in lines)
        streams.append(f"BT /F1 14 Tf 22 TL 72 770 Td {shown} ET".encode("ascii"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R 6 0 R] /Count 2 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for place, stream in enumerate(streams):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * place)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def contact_card() -> bytes:
    """A vCard 3.0 with a name, a number and an address: all three are private."""
    given, family = CARD_NAME.split(" ", 1)
    lines = (
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"N:{family};{given};;;",
        f"FN:{CARD_NAME}",
        f"TEL;type=CELL;waid={PHONES[2].replace(' ', '').lstrip('+')}:{PHONES[2]}",
        f"EMAIL:{EMAILS[0]}",
        "END:VCARD",
        "",
    )
    return "\r\n".join(lines).encode()
