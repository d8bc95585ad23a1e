"""Logos: whatever is uploaded becomes a small PNG, or is refused in words."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from merchants import branding
from merchants.branding import BadLogo, redraw


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
