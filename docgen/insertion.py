"""Puts derived text into a page, so that the page never tells anything else than what it is derived from."""


def insert(page: str, name: str, text: str) -> str:
    """Return a page with the text between ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises:
        ValueError: the page has no such place.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no place for {name}: write {start} and {end}")
    return f"{before}{start}\n\n{text}\n\n{end}{after}"
