"""QR codes, as pictures inside of pages."""


def qr(text: str) -> str:
    """Return a QR code as SVG, dark on light on every page: else some phones do not read it."""
    import segno  # noqa: PLC0415  (half a megabyte that only two pages need)

    code = segno.make(text, micro=False)
    return str(code.svg_inline(dark="#000", light="#fff", border=3, omitsize=True))
