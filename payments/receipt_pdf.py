"""A receipt as a PDF of A5 pages. Import it where one is made: fpdf2 takes half a second."""

from datetime import date, datetime
from pathlib import Path
from unicodedata import normalize

from django.conf import settings
from django.urls import reverse
from django.utils import dateformat, timezone, translation
from django.utils.translation import gettext as _
from fpdf import FPDF, FontFace

from merchants.models import Profile
from payments import ledger, reasons
from payments.crediting import expected_on
from payments.models import Payment, Receipt, Refund
from payments.money import format_inr
from payments.states import REFUND_CAME_TO_NOTHING, PaymentState, RefundState
from tenants.current import current_tenant, zone

FONTS = Path(__file__).parent / "fonts"
A5 = (148, 210)  # mm
INK, MUTED, AMBER, BROWN = (27, 37, 48), (90, 100, 110), (249, 189, 56), (58, 38, 0)

Facts = list[tuple[str, str]]


def pdf_of(payment: Payment, receipt: Receipt, *, compressed: bool = True) -> bytes:
    """The receipt in the payer's language, with the refunds made or on their way by now."""
    with translation.override(payment.language), timezone.override(zone()):
        paper = _Paper(payment.live)
        paper.set_compression(compressed)
        paper.set_title(_("Receipt %s") % receipt)
        paper.set_lang(payment.language)
        paper.set_creation_date(receipt.numbered_at)
        paper.add_page()
        _write(paper, payment, receipt)
    return bytes(paper.output())


def facts_of(payment: Payment) -> Facts:
    """What a receipt says beneath its amount, as labels and words in the active language."""
    facts = [
        (_("Received from"), payment.payer_name),
        (_("For"), payment.description),
        *payment.answered,
        (_("Asked for"), format_inr(payment.amount_paise) if _differs(payment) else ""),
        (_("Paid on"), _time(payment.paid_at or payment.decided_at)),
        (_("Paid by"), str(payment.get_method_display()) if payment.method else ""),
        (_("Order"), payment.order_id),
        (_("Paytm ID"), payment.paytm_txn_id),
    ]
    return [(label, words) for label, words in facts if words]


def refunds_of(payment: Payment) -> Facts:
    """Each refund that has not failed, then what remains; nothing where there is none."""
    untold = (*REFUND_CAME_TO_NOTHING, RefundState.HELD)
    sent = payment.refunds.exclude(state__in=untold).order_by("created_at")
    refunds = [(_of_refund(refund), format_inr(-refund.amount_paise)) for refund in sent]
    left = ledger.received(payment) - sum(refund.amount_paise for refund in sent)
    return [*refunds, (_("Remains"), format_inr(left))] if refunds else []


def _of_refund(refund: Refund) -> str:
    if refund.decided_at is None:
        return _("Refund, on its way")
    lines = [_("Refunded on %s") % _day(timezone.localtime(refund.decided_at))]
    if day := expected_on(refund):
        lines.append(_("You should have it by %(day)s.") % {"day": _day(day)})
    if refund.bank_reference:
        lines.append(f"{_('Bank reference')} {refund.bank_reference}")
    if refund.arn:
        lines.append(f"{_('Card reference (ARN)')} {refund.arn}")
    return "\n".join(lines)


def _day(day: date) -> str:
    return dateformat.format(day, "j M Y")


class _Paper(FPDF):
    """A5 in our font; in the test world every page begins with the TEST band."""

    def __init__(self, live: bool) -> None:
        super().__init__(format=A5)
        self.live, self.lacks_letters = live, False
        self.set_margins(14, 14)
        self.set_auto_page_break(True, 14)
        self.add_font("Mukta", "", FONTS / "Mukta-Regular.ttf")
        self.add_font("Mukta", "B", FONTS / "Mukta-SemiBold.ttf")
        # Said, not guessed: a line that begins in Latin would be shaped as Latin to its end.
        self.set_text_shaping(True, script="Deva")

    def header(self) -> None:
        if self.live:
            return
        self.set_fill_color(*AMBER)
        self.rect(0, 0, self.w, 9, style="F")
        self.set_y(1.5)
        self.line_of(_("TEST MODE. No real money moved."), 10, "B", BROWN, align="C")
        self.set_y(14)

    def line_of(
        self,
        words: str,
        size: float,
        style: str = "",
        colour: tuple[int, int, int] = INK,
        align: str = "L",
    ) -> None:
        """One paragraph over the whole width; none where there are no words."""
        if not words:
            return
        self.set_font("Mukta", style, size)
        self.set_text_color(*colour)
        self.multi_cell(
            0, size * 0.5, self.written(words), align=align, new_x="LMARGIN", new_y="NEXT"
        )

    def written(self, words: str) -> str:
        """The words as our font has them; ? for each letter that it lacks, which would not show
        at all."""
        return "".join(self._letter(letter) for letter in normalize("NFC", words))

    def _letter(self, letter: str) -> str:
        """Itself, or the plain one that it is made of: `s` for the Romanian `ș`, `1` for `①`."""
        known = self.fonts["mukta"].cmap  # type: ignore[union-attr]  # it is a TrueType font
        if letter == "\n" or ord(letter) in known:
            return letter
        plain = "".join(part for part in normalize("NFKD", letter) if ord(part) in known)
        self.lacks_letters |= not plain
        return plain or "?"

    def table_of(self, facts: Facts) -> None:
        """Labels on the left, words on the right, however long either is."""
        self.set_font("Mukta", "", 10)
        self.set_draw_color(226, 226, 220)
        with self.table(
            col_widths=(38, 62),
            text_align=("LEFT", "RIGHT"),
            borders_layout="HORIZONTAL_LINES",
            first_row_as_headings=False,
            line_height=5,
            padding=(1.2, 0),
        ) as table:
            for label, words in facts:
                row = table.row()
                row.cell(self.written(label), style=FontFace(color=MUTED))
                row.cell(self.written(words), style=FontFace(color=INK))


def _write(paper: _Paper, payment: Payment, receipt: Receipt) -> None:
    profile, name = Profile.objects.defer("logo_png").get(), current_tenant().name
    paper.line_of(name, 16, "B")
    paper.line_of(profile.legal_name if profile.legal_name != name else "", 10, colour=MUTED)
    paper.line_of(profile.gstin and f"{_('GSTIN')} {profile.gstin}", 10, colour=MUTED)
    paper.ln(6)
    paper.line_of(_("Receipt %s") % receipt, 12, "B")
    paper.line_of(format_inr(ledger.received(payment)), 24, "B")
    paper.line_of(_outcome(payment), 10)
    paper.ln(4)
    paper.table_of(facts_of(payment))
    refunds = refunds_of(payment)
    if refunds:
        paper.ln(5)
        paper.line_of(_("Refunds"), 12, "B")
        paper.table_of(refunds)
    paper.ln(6)
    _write_foot(paper, payment, profile)


def _write_foot(paper: _Paper, payment: Payment, profile: Profile) -> None:
    contact = ", ".join(filter(None, (profile.support_email, profile.support_phone)))
    if contact:
        ask = _("Questions? Ask %(merchant)s:") % {"merchant": current_tenant().name}
        paper.line_of(f"{ask} {contact}", 9, colour=MUTED)
    page = f"{settings.BASE_URL}{reverse('pay_status', kwargs={'token': payment.token})}"
    paper.line_of(f"{_('How it stands now:')} {page}", 9, colour=MUTED)
    if paper.lacks_letters:
        words = _("A ? may stand for a letter that cannot be printed here. That page has it.")
        paper.line_of(words, 9, colour=MUTED)


def _outcome(payment: Payment) -> str:
    """That it is paid; of surplus why nobody expected it and what becomes of it."""
    words = reasons.of_payment(payment)
    if payment.state == PaymentState.PAID:
        return str(words.title)
    return f"{words.title}. {words.text} {words.advice}"


def _differs(payment: Payment) -> bool:
    return ledger.received(payment) != payment.amount_paise


def _time(moment: datetime | None) -> str:
    return dateformat.format(timezone.localtime(moment), "j M Y, H:i T") if moment else ""
