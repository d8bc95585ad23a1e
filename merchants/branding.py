"""A merchant's logo and colour, made fit for pay pages.

A logo is drawn anew as a small PNG, whatever was uploaded, and nothing else kept. SVG is refused
with everything that is no picture of dots: it can hold script. A colour keeps its hue, and becomes
lighter or darker until everybody can read what is written on it and with it (WCAG 2.2 AA).
"""

import colorsys
import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

MAX_BYTES: Final = 1024 * 1024
MAX_PIXELS: Final = 16_000_000
FORMATS: Final = ("PNG", "JPEG", "WEBP")
# The largest of these that stays light enough for a pay page; the last one in any case.
SIDES: Final = (512, 384, 256, 192, 128, 96)
LIGHT_BYTES: Final = 24 * 1024

COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
WHITE, DARK = "#ffffff", "#111111"
# What a pay page's cards and its body are painted with: base-100 and -200 of frontend/theme.css.
LIGHT_PAGE: Final = ("#ffffff", "#f7f7f4")
DARK_PAGE: Final = ("#181f25", "#0f151a")
TEXT, SHAPE = 4.5, 3.0  # the least contrast of words, and of what a control is known by

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


@dataclass(frozen=True)
class Shades:
    """A colour as one theme shows it: the button, the words on it, and words on the page."""

    button: str
    words: str
    link: str


@dataclass(frozen=True)
class Palette:
    """A colour as #rrggbb, corrected for the light and the dark theme."""

    light: Shades
    dark: Shades

    def changed(self, colour: str) -> bool:
        """Whether a button is not simply of this colour."""
        return {self.light.button, self.dark.button} != {colour}


@lru_cache(maxsize=1024)
def readable(colour: str) -> Palette:
    """The nearest to this colour (#rrggbb) that can be read, by changing its lightness alone.

    A button is told from the page by 3:1, and its words, white where they can be, from it by
    4.5:1; a link by 4.5:1 from the page.
    """
    return Palette(light=_shades(colour, LIGHT_PAGE), dark=_shades(colour, DARK_PAGE))


def style_sheet(colour: str, inside: str = ":root") -> str:
    """CSS that lays this colour over frontend/theme.css, in both themes; on the whole page, or
    `inside` what a selector names."""
    light, dark = readable(colour).light, readable(colour).dark
    pairs = {
        "--color-primary": (light.button, dark.button),
        "--color-primary-content": (light.words, dark.words),
        "--color-primary-hover": (_pressed(light), _pressed(dark)),
        "--color-link": (light.link, dark.link),
    }
    lines = (f"{name}:var(--paper,{a}) var(--ink,{b})" for name, (a, b) in pairs.items())
    return f"{inside}{{{';'.join(lines)}}}\n"


def contrast(one: str, other: str) -> float:
    """From 1 to 21, as WCAG defines it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _shades(colour: str, page: tuple[str, ...]) -> Shades:
    def stands_out(shade: str) -> bool:
        told = all(contrast(shade, paper) >= SHAPE for paper in page)
        return told and contrast(shade, _words_on(shade)) >= TEXT

    def reads(shade: str) -> bool:
        return all(contrast(shade, paper) >= TEXT for paper in page)

    button = _nearest(colour, stands_out)
    return Shades(button, _words_on(button), _nearest(colour, reads))


def _nearest(colour: str, good: Callable[[str], bool]) -> str:
    """This colour, or the first that is good of those ever lighter and darker."""
    if good(colour):
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    steps = sorted((n / 255 for n in range(256)), key=lambda step: abs(step - lightness))
    shades = (_hex(colorsys.hls_to_rgb(hue, step, saturation)) for step in steps)
    return next(shade for shade in shades if good(shade))  # white or black at the latest


def _words_on(shade: str) -> str:
    return WHITE if contrast(shade, WHITE) >= TEXT else DARK


def _pressed(shades: Shades) -> str:
    """A little further away from the words, so that they stay as easy to read."""
    return f"color-mix(in oklab,{shades.button} 88%,{'#000' if shades.words == WHITE else '#fff'})"


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red / 255, green / 255, blue / 255


def _hex(channels: tuple[float, float, float]) -> str:
    return f"#{bytes(round(part * 255) for part in channels).hex()}"


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
