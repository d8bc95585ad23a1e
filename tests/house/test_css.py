from frontend.sources import ROOT, digest


def test_style_sheets_are_built_from_these_sources() -> None:
    noted = (ROOT / "static/css/sources.sha256").read_text().strip()
    assert noted == digest(), "frontend/build.sh has not run since a source changed"


def test_pay_sheet_leaves_room_for_the_page() -> None:
    assert (ROOT / "static/css/pay.css").stat().st_size <= 25_000
