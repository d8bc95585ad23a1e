"""An accountant uploads a file of invoices, looks at it, and gets it back with links."""

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from merchants.models import AuditEvent
from payments import janitor
from payments.batching import CHUNK, FIELDS
from payments.models import Batch, Link
from tenants.jobs import run_due
from tenants.models import Membership, Role, Tenant, User
from tests import cast, make
from tests.conftest import SignIn
from tests.dashboard.conftest import Url, text
from tests.forms import read_form

HEAD = "description,amount,reference"
GOOD = f"{HEAD}\nInvoice 1,100,INV-1\nInvoice 2,,INV-2\n"
MIXED = f"{GOOD}=Invoice 3,a lot,INV-3\n"

pytestmark = pytest.mark.usefixtures("in_acme")


def send(client: Client, url: Url, content: str | bytes, name: str = "invoices.csv") -> Any:
    """Upload a file; the answer is not followed."""
    raw = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, raw, "text/csv")
    return client.post(url("link_batches"), {"file": file})


def press(client: Client, page: Any, form: str) -> Any:
    """Press the button of a form on a batch's page."""
    return client.post(read_form(page.content.decode(), form).action, follow=True)


def rows(answer: Any) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


def test_from_the_links_one_finds_the_upload_and_its_template(at_acme: Client, url: Url) -> None:
    assert url("link_batches") in text(at_acme.get(url("links")))
    assert url("link_batch_template") in text(at_acme.get(url("link_batches")))


def test_the_page_says_what_may_stand_in_each_column(at_acme: Client, url: Url) -> None:
    columns = dict(at_acme.get(url("link_batches")).context["columns"])
    assert [*columns] == [*FIELDS]


def test_the_template_can_be_uploaded_as_it_is(at_acme: Client, url: Url) -> None:
    template = at_acme.get(url("link_batch_template")).content
    page = at_acme.get(send(at_acme, url, template)["Location"])
    assert "Make 2 links" in text(page)
    press(at_acme, page, "start")
    run_due()
    invoice, donation = Link.objects.order_by("batch_row")
    assert (invoice.amount_paise, invoice.max_payments) == (4990_50, 1)
    assert (donation.amount_paise, donation.min_paise, donation.max_payments) == (
        None,
        100_00,
        None,
    )
    assert donation.suggestions == [500_00, 1000_00, 5000_00]
    assert len(donation.questions) == 2


def test_a_file_is_looked_at_made_and_given_back(at_acme: Client, url: Url) -> None:
    page = at_acme.get(send(at_acme, url, MIXED)["Location"])
    for words in ("Make 2 links", "1 row has errors", "Row 4", "amount: Enter an amount in rupees",
                  "Invoice 1", "₹100.00", "Any amount"):  # fmt: skip
        assert words in text(page)
    assert not Link.objects.exists()

    page = press(at_acme, page, "start")
    assert "Making links" in text(page)
    run_due()
    batch = Batch.objects.get()
    page = at_acme.get(url("link_batch", id=batch.pk))
    for words in ("Done", "Invoice 2", "Row 4", "File with the links"):
        assert words in text(page)

    result = rows(at_acme.get(url("link_batch_result", id=batch.pk)))
    tokens = [*Link.objects.order_by("batch_row").values_list("token", flat=True)]
    assert [row["link"] for row in result] == [
        *(f"http://localhost:8000/p/{t}" for t in tokens),
        "",
    ]
    assert [*result[0]] == ["description", "amount", "reference", "link", "error"]
    assert result[0]["reference"] == "INV-1"
    assert result[2]["description"] == "'=Invoice 3"
    assert result[2]["error"].startswith("amount: Enter an amount")
    assert [row["error"] for row in result[:2]] == ["", ""]


def test_the_same_file_again_makes_no_second_link(at_acme: Client, url: Url) -> None:
    first = send(at_acme, url, GOOD)["Location"]
    press(at_acme, at_acme.get(first), "start")
    run_due()
    again = send(at_acme, url, GOOD.replace(",", ";"), "copy.csv")["Location"]
    assert again == first
    assert "This file was uploaded before" in text(at_acme.get(again))
    at_acme.post(url("link_batch_start", id=Batch.objects.get().pk))
    run_due()
    assert Link.objects.count() == 2


def test_rows_with_errors_are_corrected_and_uploaded_alone(at_acme: Client, url: Url) -> None:
    press(at_acme, at_acme.get(send(at_acme, url, MIXED)["Location"]), "start")
    run_due()
    where = url("link_batch_result", id=Batch.objects.get().pk)
    whole = send(at_acme, url, at_acme.get(where).content)
    assert "its rows have links already" in text(whole)
    wrong = at_acme.get(f"{where}?only=errors").content.decode("utf-8-sig")
    assert [row["reference"] for row in csv.DictReader(io.StringIO(wrong))] == ["INV-3"]
    page = at_acme.get(send(at_acme, url, wrong.replace("a lot", "300"))["Location"])
    press(at_acme, page, "start")
    run_due()
    assert Link.objects.count() == 3


def test_the_whole_file_corrected_is_warned_of(at_acme: Client, url: Url) -> None:
    page = at_acme.get(send(at_acme, url, MIXED)["Location"])
    assert "there already" not in text(page)
    press(at_acme, page, "start")
    run_due()
    page = at_acme.get(send(at_acme, url, MIXED.replace("a lot", "300"))["Location"])
    assert "2 rows say the same as links of other files" in text(page)
    assert "Make 3 links" in text(page)


def test_while_it_runs_the_page_says_how_far_it_is(at_acme: Client, url: Url) -> None:
    lines = "".join(f"Invoice {n},20,{n}\n" for n in range(CHUNK + 50))
    page = at_acme.get(send(at_acme, url, f"{HEAD}\n{lines}")["Location"])
    press(at_acme, page, "start")
    where = url("link_batch", id=Batch.objects.get().pk)
    run_due(limit=1)
    page = at_acme.get(where)
    assert f'<progress class="progress" id="progress" value="{CHUNK}" max="150"' in text(page)
    htmx = {"HX-Request": "true"}
    seen = page.context["seen"]
    assert at_acme.get(where, {"seen": seen}, headers=htmx).status_code == 204
    run_due()
    part = at_acme.get(where, {"seen": seen}, headers=htmx)
    assert "Done" in text(part)
    assert "hx-get" not in text(part)
    assert "<html" not in text(part)


def test_it_can_be_cancelled_and_continued(at_acme: Client, url: Url) -> None:
    lines = "".join(f"Invoice {n},20,{n}\n" for n in range(CHUNK + 50))
    page = at_acme.get(send(at_acme, url, f"{HEAD}\n{lines}")["Location"])
    page = press(at_acme, page, "start")
    run_due(limit=1)
    page = press(at_acme, page, "cancel")
    assert "The links that were made stay." in text(page)
    run_due()
    assert Link.objects.count() == CHUNK
    not_made = rows(at_acme.get(url("link_batch_result", id=Batch.objects.get().pk)))[-1]
    assert (not_made["link"], not_made["error"]) == ("", "Not made yet.")
    press(at_acme, page, "start")
    run_due()
    assert Link.objects.count() == CHUNK + 50


def test_pressing_twice_or_too_late_is_told(at_acme: Client, url: Url) -> None:
    page = at_acme.get(send(at_acme, url, GOOD)["Location"])
    press(at_acme, page, "start")
    assert "made, or being made" in text(press(at_acme, page, "start"))
    run_due()
    assert "Nothing is left to cancel" in text(press(at_acme, page, "cancel"))
    assert Link.objects.count() == 2


def test_a_file_without_a_good_row_has_no_button(at_acme: Client, url: Url) -> None:
    page = text(at_acme.get(send(at_acme, url, f"{HEAD}\nChai,much,1\n")["Location"]))
    assert "Row 2" in page
    assert 'id="start"' not in page


def test_of_many_errors_the_first_hundred_are_shown(at_acme: Client, url: Url) -> None:
    lines = "Chai,much,1\n" * 130
    page = text(at_acme.get(send(at_acme, url, f"{HEAD}\n{lines}")["Location"]))
    assert "Row 101" in page
    assert "Row 102" not in page
    assert "And 30 rows more." in page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column “description”"),
        (b"description,price,colour\nChai,20,red\n", "not known here: price, colour"),
        (b"description,amount,amount\nChai,1,2\n", "there twice: amount"),
        ("description\nCafé\n".encode("cp1252"), "Save it as “CSV UTF-8”"),
        (b"description\n" + b"Chai\n" * 5001, "more than 5,000 rows"),
        (b"description\n", "no rows"),
    ],
)
def test_what_is_no_file_of_links_is_refused_in_words(
    at_acme: Client, url: Url, content: bytes, words: str
) -> None:
    answer = send(at_acme, url, content)
    assert answer.status_code == 422
    assert words in text(answer)
    assert not Batch.objects.exists()


def test_only_so_many_files_are_taken_within_an_hour(
    at_acme: Client, url: Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.views.batches.UPLOADS", 2)
    answers = [send(at_acme, url, f"{GOOD}Invoice {n},1,\n") for n in range(5)]
    refused = answers[-1]
    assert refused.status_code == 429
    assert "Too many files were uploaded within an hour." in text(refused)
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert Batch.objects.count() <= 4  # twice the limit may pass at the seam of two hours


def test_a_file_that_nobody_starts_is_forgotten_after_a_week(
    at_acme: Client, url: Url, clock: Any
) -> None:
    waiting = send(at_acme, url, GOOD)["Location"]
    assert "It waits here for a week" in text(at_acme.get(waiting))
    started = at_acme.get(send(at_acme, url, MIXED)["Location"])
    press(at_acme, started, "start")
    run_due()
    for days, found in ((6.9, 200), (7.1, 404)):
        clock(days * 24 * 3600)
        janitor.sweep()
        run_due()
        assert at_acme.get(waiting).status_code == found
    assert Batch.objects.get().state == "done"
    event = AuditEvent.objects.get(act="batch.forgotten")
    assert (event.by_name, event.subject, event.before["rows"]) == ("", "invoices.csv", 2)


def test_more_than_two_megabytes_are_refused_in_words(at_acme: Client, url: Url) -> None:
    answer = send(at_acme, url, b"description\n" + b"Chai and more\n" * 160_000)
    assert answer.status_code == 413
    assert "larger than we accept" in text(answer)


def test_no_file_at_all_is_told(at_acme: Client, url: Url) -> None:
    assert at_acme.post(url("link_batches")).status_code == 422


def test_batches_are_listed_with_how_far_they_are(at_acme: Client, url: Url, alice: User) -> None:
    make.batch("Chai,20,1", "Lassi,30,2", by=alice)
    page = text(at_acme.get(url("link_batches")))
    for words in ("invoices.csv", "Waiting for your go", "0 of 2"):
        assert words in page


def test_a_viewer_makes_no_links(acme: Tenant, url: Url, alice: User, sign_in: SignIn) -> None:
    vera = cast.person("Vera")
    Membership.objects.create(tenant=acme, user=vera, role=Role.VIEWER)
    client, batch = sign_in(vera), make.batch(by=alice)
    assert "Many at once" not in text(client.get(url("links")))
    assert send(client, url, GOOD).status_code == 403
    assert client.post(url("link_batch_start", id=batch.pk)).status_code == 403
