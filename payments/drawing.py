"""`python -m payments.drawing > docs/states.md`: the states of payments and refunds, drawn.

The drawing comes from the table that the code and the database's triggers obey.
"""

from payments.states import PAYMENT_RANK, REFUND_RANK, steps

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
"""


def page() -> str:
    """The whole page as Markdown."""
    return PAGE.format(payment=drawing(PAYMENT_RANK), refund=drawing(REFUND_RANK))


def drawing(ranks: dict[str, int]) -> str:
    """A Mermaid state diagram of every legal step."""
    first = min(ranks, key=lambda state: ranks[state])
    ends = [state for state, rank in ranks.items() if rank == max(ranks.values())]
    arrows = [f"{step.replace('>', ' --> ')}" for step in steps(ranks)]
    lines = [f"[*] --> {first}", *arrows, *(f"{state} --> [*]" for state in ends)]
    body = "\n".join(f"    {line}" for line in lines)
    return f"```mermaid\nstateDiagram-v2\n{body}\n```"


if __name__ == "__main__":
    print(page(), end="")
