"""How fast the product is, held against what the same machine can do at best. See README.md."""
