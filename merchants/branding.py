"""A merchant's logo: whatever was uploaded is drawn anew as a small PNG, and nothing else kept.

SVG is refused with everything that is no picture of dots: it can hold script.
"""

import hashlib
import io
from typing import Final

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

MAX_BYTES: Final = 1024 * 1024
MAX_PIXELS: Final = 16_000_000
FORMATS: Final = ("PNG", "JPEG", "WEBP")
# The largest of these that stays light enough for a pay page; the last one in any case.
SIDES: Final = (512, 384, 256, 192, 128, 96)
LIGHT_BYTES: Final = 24 * 1024

# What Pillow is known to raise for bytes that are no picture, or half of one.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)


class BadLogo(ValueError):
    """The file is no logo; the message tells a person why."""


def redraw(data: bytes) -> bytes:
    """The picture as a PNG of at most 512 × 512 px, without metadata.

    Takes PNG, JPEG and WEBP up to MAX_BYTES and MAX_PIXELS. Raises BadLogo.
    """
    if len(data) > MAX_BYTES:
        raise BadLogo(_("This file is larger than 1 MB. Choose a smaller one."))
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise BadLogo(_("This picture has too many pixels. Scale it down first."))
        return _small_png(picture)
    except BadLogo:
        raise
    except UNREADABLE as error:
        raise BadLogo(_("This is not a picture we can read. Use PNG, JPEG or WebP.")) from error


def version(png: bytes) -> str:
    """A word that changes with the logo, for its address."""
    return hashlib.sha256(png).hexdigest()[:16]


def _small_png(picture: Image.Image) -> bytes:
    picture.draft("RGB", (SIDES[0], SIDES[0]))
    whole = ImageOps.exif_transpose(picture).convert("RGBA")
    whole.info.clear()
    for side in SIDES:
        whole.thumbnail((side, side))
        png = _png(whole)
        if len(png) <= LIGHT_BYTES:
            break
    return png


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
