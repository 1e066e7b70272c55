#!/usr/bin/env python3
"""Draws small pictures of every kind that JPEG and PNG know, and writes what Pillow makes of them.

NAME.jpg, NAME.png -> NAME-jpg.npy, NAME-png.npy: convert("RGB"), [height, width, 3].
resize-WxH-FILTER.npy: source.png resized, [height, width, 3].
preprocess-CASE.npy: source.png through timm's evaluation transform, [3, height, width].

Usage: python3 make.py, in this folder. Needs numpy and Pillow before 13, which may take a
picture's vertical pass first.
"""
import io
import math
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 21, 13
MEAN = np.array([0.485, 0.456, 0.406], "f4")
STD = np.array([0.229, 0.224, 0.225], "f4")


def drawing(width, height):
    """Slopes, a disc and a hard edge, so that chroma, ringing and clipping all show."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    red = 255 * x
    green = 255 * (1 - y) * (np.hypot(x - 0.5, y - 0.3) < 0.25)
    blue = np.where(x + y < 0.8, 255, 40 + 300 * y)
    return np.stack([red, green, blue], -1).clip(0, 255).astype("u1")


def save(name, array, dtype="f2"):
    np.save(name + ".npy", array.astype(dtype))


def save_picture(name, extension, data):
    with open(f"{name}.{extension}", "wb") as file:
        file.write(data)
    picture = Image.open(io.BytesIO(data))
    save(f"{name}-{extension}", np.asarray(picture.convert("RGB")))


# --- JPEG -----------------------------------------------------------------------------------------


def jpeg(mode="RGB", **options):
    data = io.BytesIO()
    Image.fromarray(drawing(WIDTH, HEIGHT)).convert(mode).save(data, "JPEG", **options)
    return data.getvalue()


def without_segment(data, marker):
    at = data.index(bytes([0xFF, marker]))
    (length,) = struct.unpack(">H", data[at + 2 : at + 4])
    return data[:at] + data[at + 2 + length :]


def as_ycck(data):
    """The same inks, but said to be YCCK by the Adobe segment's last byte."""
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    return data[:at] + b"\2" + data[at + 1 :]


def damaged(data):
    """Wrong bits amid the samples; not where the file ends, which nobody forgives."""
    data = bytearray(data)
    for at in range(len(data) - 90, len(data) - 30, 7):
        if 0xFF not in data[at - 1 : at + 2]:
            data[at] ^= 0x15
    return bytes(data)


def make_jpegs():
    for name, subsampling in {"444": 0, "422": 1, "420": 2, "411": "4:1:1"}.items():
        save_picture("baseline-" + name, "jpg", jpeg(subsampling=subsampling, quality=90))
        save_picture(
            "progressive-" + name,
            "jpg",
            jpeg(subsampling=subsampling, quality=60, progressive=True),
        )
    save_picture("rgb", "jpg", jpeg(keep_rgb=True))
    save_picture("restarts", "jpg", jpeg(restart_marker_blocks=1))
    turned = Image.Exif()
    turned[0x0112] = 6
    save_picture("exif-turned", "jpg", jpeg(exif=turned))
    save_picture("gray", "jpg", jpeg("L"))
    save_picture("gray-progressive", "jpg", jpeg("L", progressive=True))
    cmyk = jpeg("CMYK", quality=90)
    save_picture("cmyk-adobe", "jpg", cmyk)
    save_picture("cmyk-plain", "jpg", without_segment(cmyk, 0xEE))
    save_picture("ycck", "jpg", as_ycck(cmyk))
    save_picture("damaged", "jpg", damaged(jpeg(quality=90)))
    save_picture("trailing", "jpg", jpeg() + b"more")


# --- PNG ------------------------------------------------------------------------------------------

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
ADAM7 = [  # first column, first row, steps
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(samples, depth):
    rows = b""
    for row in samples.reshape(len(samples), -1):
        if depth == 16:
            rows += b"\0" + row.astype(">u2").tobytes()
        else:
            bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            rows += b"\0" + np.packbits(bits.astype("u1").reshape(-1)).tobytes()
    return rows


def png(kind, depth, interlaced=False, chunks=(), colours=None, seed=1):
    """Random samples: each of them must come out right."""
    samples = np.random.default_rng(seed).integers(0, 1 << depth, (9, 13, CHANNELS[kind]))
    if kind == GRAY and depth == 16:
        samples[::2] >>= 8  # what Pillow does not clip
    rows = packed(samples, depth)
    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        rows = b"".join(packed(part, depth) for part in parts if part.size)
    header = struct.pack(">IIBBBBB", 13, 9, depth, kind, 0, 0, interlaced)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    if colours is not None:
        palette = np.random.default_rng(2).integers(0, 256, 3 * colours).astype("u1")
        data += chunk(b"PLTE", palette.tobytes())
    for name, content in chunks:
        data += chunk(name, content)
    return data + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_pngs():
    for depth in (1, 2, 4, 8, 16):
        save_picture(f"gray-{depth}", "png", png(GRAY, depth))
    for depth in (1, 2, 4, 8):
        save_picture(f"palette-{depth}", "png", png(PALETTE, depth, colours=1 << depth))
    for depth in (8, 16):
        save_picture(f"rgb-{depth}", "png", png(RGB, depth))
        save_picture(f"gray-alpha-{depth}", "png", png(GRAY_ALPHA, depth))
        save_picture(f"rgba-{depth}", "png", png(RGBA, depth))
    opacities = [(b"tRNS", bytes(range(0, 160, 10)))]
    save_picture("palette-4-transparent", "png", png(PALETTE, 4, chunks=opacities, colours=16))
    save_picture("palette-8-too-short", "png", png(PALETTE, 8, colours=100))
    save_picture("gray-8-transparent", "png", png(GRAY, 8, chunks=[(b"tRNS", b"\0\7")]))
    save_picture("rgb-8-transparent", "png", png(RGB, 8, chunks=[(b"tRNS", b"\0\1\0\2\0\3")]))
    save_picture("rgb-8-gamma", "png", png(RGB, 8, chunks=[(b"gAMA", b"\0\0\xb1\x8f")]))
    save_picture("gray-1-interlaced", "png", png(GRAY, 1, True))
    save_picture("gray-16-interlaced", "png", png(GRAY, 16, True))
    save_picture("palette-4-interlaced", "png", png(PALETTE, 4, True, colours=16))
    save_picture("rgb-8-interlaced", "png", png(RGB, 8, True))
    save_picture("rgba-16-interlaced", "png", png(RGBA, 16, True))


# --- resizing -------------------------------------------------------------------------------------

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def make_resizes(source):
    for width, height in [(16, 20), (60, 70), (15, 60), (41, 20), (20, 53), (41, 53), (1, 1)]:
        for name, value in FILTERS.items():
            resized = source.resize((width, height), value)
            save(f"resize-{width}x{height}-{name}", np.asarray(resized))


def crop_and_normalise(picture, height, width):
    top = int(round((picture.height - height) / 2.0))
    left = int(round((picture.width - width) / 2.0))
    picture = picture.crop((left, top, left + width, top + height))
    values = (np.asarray(picture).astype("f4") / np.float32(255) - MEAN) / STD
    return values.transpose(2, 0, 1)


def square(picture, size, crop_pct, resample):
    """torchvision's Resize(int): the long side truncated."""
    target = math.floor(size / crop_pct)
    shorter = min(picture.size)
    sides = [target if side == shorter else int(target * side / shorter) for side in picture.size]
    return crop_and_normalise(picture.resize(sides, resample), size, size)


def oblong(picture, height, width, crop_pct, resample):
    """timm's ResizeKeepRatio."""
    ratio = min(
        picture.height / math.floor(height / crop_pct), picture.width / math.floor(width / crop_pct)
    )
    sides = [round(side / ratio) for side in picture.size]
    return crop_and_normalise(picture.resize(sides, resample), height, width)


def make_preprocessed(source):
    save("preprocess-square-odd", square(source, 27, 0.9, Image.BILINEAR), "f4")
    save("preprocess-square-whole", square(source, 32, 1.0, Image.BICUBIC), "f4")
    save("preprocess-tall", oblong(source, 30, 12, 0.875, Image.BICUBIC), "f4")
    save("preprocess-wide", oblong(source, 17, 40, 0.95, Image.BILINEAR), "f4")
    squashed = source.resize((40, 17), Image.BICUBIC)
    save("preprocess-squash", crop_and_normalise(squashed, 17, 40), "f4")


if __name__ == "__main__":
    make_jpegs()
    make_pngs()
    picture = Image.fromarray(drawing(41, 53))
    data = io.BytesIO()
    picture.save(data, "PNG")
    save_picture("source", "png", data.getvalue())
    make_resizes(picture)
    make_preprocessed(picture)
