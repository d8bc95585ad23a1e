"""Walk 4, of an accountant: a file of invoices becomes as many links, and comes back with them."""

import csv
from pathlib import Path

import pytest

from tests.browser.conftest import Cast, Open, SignIn
from tests.browser.walker import PHONE, Walker

pytestmark = pytest.mark.browser

BATCHES = "/m/asha-tea/test/links/batches"
HEAD = "description,amount,reference,notes"


def test_a_file_of_invoices_comes_back_with_links(
    signed_in: SignIn, walk: Open, cast: Cast
) -> None:
    asha = signed_in(cast.asha)
    asha.open("/m/asha-tea/test/links")
    asha.press("Many at once…")
    upload(asha, "description,price\nTea,20\n", status=422)
    asha.shows("These columns are not known here: price.")
    lines = [f"Invoice {n},{n}.50,INV-{n}," for n in range(1, 301)]
    upload(asha, "\n".join([HEAD, *lines, "Invoice 301,a lot,INV-301,", ",20,INV-302,"]))
    asha.shows("2 rows have errors and are skipped.")
    asha.shows("Row 302")
    asha.press("Make 300 links")
    asha.shows("File with the links")
    asha.look()
    table = downloaded(asha, "File with the links")
    assert [row["reference"] for row in table if not row["link"]] == ["INV-301", "INV-302"]
    payer = walk(size=PHONE)
    payer.open(table[9]["link"])
    payer.shows("₹10.50")


def test_without_scripts_the_page_is_loaded_again(signed_in: SignIn, cast: Cast) -> None:
    asha = signed_in(cast.asha, size=PHONE, scripts=False)
    asha.open(BATCHES)
    upload(asha, f"{HEAD}\nTwo kilos of Assam,1800,ORD-1,\n")
    asha.press("Make 1 link")
    while asha.main.locator("#progress").count():
        asha.open(asha.page.url)
    asha.shows("Two kilos of Assam")


def upload(walker: Walker, content: str, status: int = 200) -> None:
    file = {"name": "invoices.csv", "mimeType": "text/csv", "buffer": content.encode()}
    walker.page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    walker.press("Look at it", status)


def downloaded(walker: Walker, link: str) -> list[dict[str, str]]:
    """The rows of the file behind a link."""
    with walker.page.expect_download() as download:
        walker.control(link).click()
    return [
        *csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines())
    ]
