"""Logos: whatever is uploaded becomes a small PNG, or is refused in words. Colours: whatever is
chosen can be read."""

import colorsys
import io
import math
import random
import re
import struct
import zlib

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from merchants import branding
from merchants.branding import DARK_PAGE, LIGHT_PAGE, BadLogo, contrast, readable, redraw

COLOURS = st.binary(min_size=3, max_size=3).map(lambda channels: f"#{channels.hex()}")


def picture(size: tuple[int, int] = (300, 200), form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, form, **options)
    return buffer.getvalue()


def noise(side: int) -> bytes:
    buffer = io.BytesIO()
    pixels = random.Random(1).randbytes(side * side * 3)
    Image.frombytes("RGB", (side, side), pixels).save(buffer, "PNG")
    return buffer.getvalue()


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png), formats=("PNG",))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width: int, height: int, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_every_accepted_format_becomes_a_png(form: str) -> None:
    logo = opened(redraw(picture(form=form)))
    assert (logo.format, logo.size) == ("PNG", (300, 200))


def test_a_large_picture_is_scaled_into_the_box() -> None:
    assert opened(redraw(picture((2000, 1000)))).size == (512, 256)


def test_a_picture_that_stays_heavy_is_made_smaller_until_pay_pages_stay_light() -> None:
    png = redraw(noise(512))
    assert len(png) <= 96 * 96 * 4
    assert len(redraw(picture((512, 512)))) <= branding.LIGHT_BYTES


def test_metadata_is_left_behind() -> None:
    text = PngInfo()
    text.add_text("Comment", "taken at home")
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    for data in (picture(pnginfo=text), picture(form="JPEG", exif=exif.tobytes())):
        assert b"taken at home" in data
        assert b"taken at home" not in redraw(data)


def test_a_phone_s_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert opened(redraw(picture((30, 20), "JPEG", exif=exif.tobytes()))).size == (20, 30)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"just words", id="text"),
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg"/>', id="svg"),
        pytest.param(b'<?xml version="1.0"?><svg><script>alert(1)</script></svg>', id="svg script"),
        pytest.param(picture(form="GIF"), id="gif"),
        pytest.param(picture(form="TIFF"), id="tiff"),
        pytest.param(picture(form="BMP"), id="bmp"),
        pytest.param(noise(64)[:3000], id="half a png"),
        pytest.param(picture(form="JPEG")[:400], id="half a jpeg"),
        pytest.param(picture(form="WEBP")[:30], id="half a webp"),
        pytest.param(raw_png(100, 100), id="png without pixels"),
        pytest.param(raw_png(0, 0), id="png of no size"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadLogo, match="not a picture"):
        redraw(data)


@pytest.mark.parametrize("side", [5_000, 60_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000))
    with pytest.raises(BadLogo):
        redraw(raw_png(side, side, pixels))


def test_a_bomb_in_the_margin_is_refused() -> None:
    words = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 50_000_000))
    with pytest.raises(BadLogo):
        redraw(raw_png(10, 10, words))


def test_a_huge_file_is_refused_for_its_size() -> None:
    with pytest.raises(BadLogo, match="larger than 1 MB"):
        redraw(picture() + b"\0" * branding.MAX_BYTES)


def test_damaged_pictures_are_refused_and_nothing_worse() -> None:
    chance = random.Random(7)
    whole = [picture(form=form) for form in branding.FORMATS]
    for _ in range(400):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 9)):
            data[chance.randrange(min(len(data), 120))] = chance.randrange(256)
        try:
            redraw(bytes(data))
        except BadLogo:
            continue


def hls(colour: str) -> tuple[float, float, float]:
    red, green, blue = (part / 255 for part in bytes.fromhex(colour[1:]))
    return colorsys.rgb_to_hls(red, green, blue)


@given(COLOURS)
def test_every_colour_is_made_readable_in_both_themes(colour: str) -> None:
    palette = readable(colour)
    for shades, page in ((palette.light, LIGHT_PAGE), (palette.dark, DARK_PAGE)):
        assert contrast(shades.button, shades.words) >= 4.5
        assert all(contrast(shades.button, paper) >= 3 for paper in page)
        assert all(contrast(shades.link, paper) >= 4.5 for paper in page)


@given(COLOURS)
def test_a_colour_keeps_its_hue(colour: str) -> None:
    palette, (hue, _, _) = readable(colour), hls(colour)
    for shade in (palette.light.button, palette.light.link, palette.dark.button, palette.dark.link):
        channels = bytes.fromhex(shade[1:])
        spread = max(channels) - min(channels)
        if spread >= 16:  # nearer to grey, whole numbers are too coarse to tell a hue
            turned = abs(hls(shade)[0] - hue)
            assert min(turned, 1 - turned) * 6 <= 1.5 / spread, shade


@pytest.mark.parametrize("colour", ["#b3261e", "#0b6e4f", "#00639a"])
def test_what_reads_well_on_light_is_left_as_it_is(colour: str) -> None:
    assert readable(colour).light == branding.Shades(colour, "#ffffff", colour)


def test_a_light_colour_gets_dark_words() -> None:
    assert readable("#ffd400").dark.words == branding.DARK
    assert readable("#ffd400").changed("#ffd400")
    assert contrast("#ffffff", "#000000") == pytest.approx(21)


def test_the_pages_colours_are_those_of_the_theme() -> None:
    theme = (settings.ROOT / "frontend/theme.css").read_text()
    form = r"--color-base-[12]00: var\(--paper, oklch\((.+?)\)\) var\(--ink, oklch\((.+?)\)\)"
    light, dark = zip(*re.findall(form, theme), strict=True)
    assert tuple(map(srgb, light)) == LIGHT_PAGE
    assert tuple(map(srgb, dark)) == DARK_PAGE


def srgb(oklch: str) -> str:
    """As browsers read it (CSS Color 4)."""
    lightness, chroma, hue = map(float, oklch.split())
    a, b = (chroma * turn(math.radians(hue)) for turn in (math.cos, math.sin))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return f"#{bytes(round(255 * curve(min(1.0, part))) for part in linear).hex()}"


def curve(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
