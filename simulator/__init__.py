"""A stand-alone Paytm for demos and tests: `python -m simulator --port 8001`.

It speaks Paytm's wire protocol with code of its own and imports nothing from the product.
"""
