"""`python -m payments.drawing > docs/states.md`: the states of payments and refunds, drawn.

The drawing comes from the table that the code and the database's triggers obey.
"""

from payments.states import PAYMENT_RANK, REFUND_RANK, PaymentState, RefundState, steps

PAGE = """# States

Drawn from `payments/states.py` by `python -m payments.drawing`; a test compares. A claim of Paytm's
may only move a row up its ranking, so that the end does not depend on the order in which claims
arrive, and a success is never downgraded. A trigger of the database refuses every other step.

## A payment

{payment}

*Surplus* is money that nobody asked for. It stays surplus for ever, with why it came; that it was
kept as a sale is written beside it, and what was sent back are refunds.

## A refund

{refund}

One that Paytm refused for lack of balance has *failed*; another, under a new reference, is
*requested* in its place and waits for its time.

One above the merchant's limit begins as *held*: its money is reserved, and nothing is sent. People
alone move it: a second person approves it, so that it is *requested*, or rejects it; who asked for
it may withdraw it.
"""


def page() -> str:
    """The whole page as Markdown."""
    return PAGE.format(
        payment=drawing(PAYMENT_RANK, PaymentState.CREATED),
        refund=drawing(REFUND_RANK, RefundState.REQUESTED, RefundState.HELD),
    )


def drawing(ranks: dict[str, int], *begins: str) -> str:
    """A Mermaid state diagram of every legal step, from the states that things begin in."""
    first = [f"[*] --> {state}" for state in begins]
    ends = [state for state, rank in ranks.items() if rank == max(ranks.values())]
    arrows = [f"{step.replace('>', ' --> ')}" for step in steps(ranks)]
    lines = [*first, *arrows, *(f"{state} --> [*]" for state in ends)]
    body = "\n".join(f"    {line}" for line in lines)
    return f"```mermaid\nstateDiagram-v2\n{body}\n```"


if __name__ == "__main__":
    print(page(), end="")
