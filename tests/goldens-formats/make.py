#!/usr/bin/env python3
"""Writes small WebP, TIFF, HEIC and AVIF pictures, cut and turned ones, and what Pillow makes of them.

NAME.EXT -> NAME-EXT.npy: convert("RGB"), [height, width, 3]; of cut-* with LOAD_TRUNCATED_IMAGES.
NAME.EXT with alpha, also those of ../goldens-pictures -> NAME-EXT-background.npy: alpha_composite
over (10, 200, 99).

Usage: python3 make.py, in this folder. Needs numpy, Pillow and pillow-heif.
"""
import glob
import io
import os
import struct
import zlib

import numpy as np
import pillow_heif
from PIL import Image, ImageFile

pillow_heif.register_heif_opener()
WIDTH, HEIGHT = 21, 13
OLD = "../goldens-pictures/"


def drawing(width, height):
    """Slopes, a disc and a hard edge, so that chroma, ringing and clipping all show."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    red = 255 * x
    green = 255 * (1 - y) * (np.hypot(x - 0.5, y - 0.3) < 0.25)
    blue = np.where(x + y < 0.8, 255, 40 + 300 * y)
    return np.stack([red, green, blue], -1).clip(0, 255).astype("u1")


RGB = drawing(WIDTH, HEIGHT)
ALPHA = (np.mgrid[0:HEIGHT, 0:WIDTH][1] * 18 - 40).clip(0, 255).astype("u1")
RGBA = np.dstack([RGB, ALPHA])


def save_background(path):
    picture = Image.open(path)
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return
    if picture.mode == "I;16":  # which Pillow can't make RGBA
        return
    picture = picture.convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, (10, 200, 99, 255)), picture)
    name = os.path.basename(path).replace(".", "-") + "-background.npy"
    np.save(name, np.asarray(picture.convert("RGB")).astype("f2"))


def save_data(name, data):
    with open(name, "wb") as file:
        file.write(data)
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.save(name.replace(".", "-") + ".npy", picture.astype("f2"))
    if not name.startswith("cut-"):
        save_background(name)


def save(name, pixels, mode=None, **options):
    picture = Image.fromarray(pixels)
    data = io.BytesIO()
    formats = {".tif": "TIFF", ".webp": "WEBP", ".heic": "HEIF", ".avif": "AVIF", ".png": "PNG"}
    kind = formats[os.path.splitext(name)[1]]
    (picture.convert(mode) if mode else picture).save(data, kind, **options)
    save_data(name, data.getvalue())


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def make_webps():
    save("lossy.webp", RGB, quality=60)
    save("lossy-alpha.webp", RGBA, quality=60)
    save("lossless.webp", RGB, lossless=True)
    save("lossless-alpha.webp", RGBA, lossless=True, exact=True)
    save("turned.webp", RGB, exif=turned())
    noise = np.random.default_rng(3).integers(0, 256, (96, 16, 3)).astype("u1")
    save("tall.webp", noise, quality=20)
    frames = [Image.fromarray(np.roll(RGBA, 5 * i, 1)) for i in range(3)]
    small = np.zeros_like(RGBA)
    small[4:9, 6:15] = RGBA[4:9, 6:15]
    for name, first in {"animation": frames[0], "animation-offset": Image.fromarray(small)}.items():
        data = io.BytesIO()
        options = {"minimize_size": True, "lossless": True}
        first.save(data, "WEBP", save_all=True, append_images=frames[1:], duration=50, **options)
        save_data(name + ".webp", data.getvalue())


def tiff(samples, photometric, bits, extra=None, apart=False, big_endian=False, tile=None):
    """What Pillow does not write. samples: [height, width, samples of a pixel]."""
    order = ">" if big_endian else "<"
    samples = samples.astype({8: "u1", 16: order + "u2"}[bits])
    height, width, count = samples.shape
    blocks = []
    for plane in np.split(samples, count, 2) if apart else [samples]:
        for top in range(0, height, tile or 8):
            if not tile:
                blocks.append(plane[top : top + 8].tobytes())
                continue
            for left in range(0, width, tile):
                part = plane[top : top + tile, left : left + tile]
                after = [(0, tile - part.shape[0]), (0, tile - part.shape[1]), (0, 0)]
                blocks.append(np.pad(part, after).tobytes())
    places = [8 + sum(map(len, blocks[:i])) for i in range(len(blocks))]
    sizes = [len(block) for block in blocks]
    tags = {256: ("L", [width]), 257: ("L", [height]), 258: ("H", [bits] * count), 259: ("H", [1])}
    tags |= {262: ("H", [photometric]), 277: ("H", [count]), 284: ("H", [2 if apart else 1])}
    if extra is not None:
        tags[338] = ("H", [extra])
    if tile:
        tags |= {322: ("L", [tile]), 323: ("L", [tile]), 324: ("L", places), 325: ("L", sizes)}
    else:
        tags |= {278: ("L", [8]), 273: ("L", places), 279: ("L", sizes)}
    directory = 8 + sum(sizes)
    behind = directory + 2 + 12 * len(tags) + 4
    entries = data = b""
    for tag, (kind, values) in sorted(tags.items()):
        raw = struct.pack(order + kind * len(values), *values)
        entries += struct.pack(order + "HHL", tag, {"H": 3, "L": 4}[kind], len(values))
        entries += raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack(order + "L", behind + len(data))
        data += raw if len(raw) > 4 else b""
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "L", directory)
    count = struct.pack(order + "H", len(tags))
    return head + b"".join(blocks) + count + entries + b"\0\0\0\0" + data


def make_tiffs():
    save("rgb-lzw.tif", RGB, compression="tiff_lzw")
    save("rgb-jpeg.tif", RGB, compression="jpeg")
    save("rgba.tif", RGBA, compression="tiff_adobe_deflate")
    save("palette.tif", RGB, "P")
    save("bilevel.tif", RGB, "1", compression="group4")
    save("cmyk.tif", RGB, "CMYK")
    save("turned.tif", RGB, tiffinfo={274: 6})
    save("turned-bilevel.tif", RGB, "1", tiffinfo={274: 7})
    save("pages.tif", RGB, save_all=True, append_images=[Image.fromarray(RGBA)])
    deep = RGB.astype("u4") * 257
    grey = np.random.default_rng(1).integers(0, 400, (HEIGHT, WIDTH, 1))
    save_data("rgb-16.tif", tiff(deep, 2, 16))
    save_data("rgb-16-tiles.tif", tiff(deep, 2, 16, big_endian=True, tile=16))
    save_data("rgb-planes.tif", tiff(RGB, 2, 8, apart=True))
    save_data("rgba-planes-tiles.tif", tiff(RGBA, 2, 8, 2, apart=True, tile=16))
    save_data("rgbx.tif", tiff(RGBA, 2, 8, 0))
    save_data("premultiplied.tif", tiff(RGBA, 2, 8, 1))
    save_data("gray-16.tif", tiff(grey, 1, 16, big_endian=True))
    save_data("gray-white-is-zero.tif", tiff(RGB[:, :, :1], 0, 8))
    save_data("gray-alpha.tif", tiff(RGBA[:, :, 2:], 1, 8, 2))


def make_heifs():
    save("rgb.heic", RGB, quality=70, chroma="444")
    save("rgba.heic", RGBA, quality=70, chroma="444")
    save("rgb.avif", RGB, quality=70, subsampling="4:4:4")
    save("halved.avif", RGB, quality=70, subsampling="4:2:0")
    save("rgba.avif", RGBA, quality=70, subsampling="4:4:4")


def make_transparent_gray():
    """16-bit grey of which the value of the first pixel is transparent."""
    with open(OLD + "gray-16.png", "rb") as file:
        data = file.read()
    value = int(np.load(OLD + "gray-16-png.npy")[0, 0, 0])
    chunk = b"tRNS" + struct.pack(">H", value)
    chunk = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    at = data.index(b"IDAT") - 4
    save_data("gray-16-transparent.png", data[:at] + chunk + data[at:])


def make_hidden():
    """Two pictures that look the same, with other colours where nothing is seen of them."""
    seen = np.where(ALPHA < 128, 0, 255).astype("u1")
    noise = np.random.default_rng(4).integers(0, 256, RGB.shape)
    for name, hidden in {"noise": noise, "white": np.full_like(RGB, 255)}.items():
        colours = np.where(seen[:, :, None] == 0, hidden, RGB).astype("u1")
        save(f"hidden-{name}.png", np.dstack([colours, seen]))


def make_cut():
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    cuts = {"baseline-420.jpg": 760, "gray.jpg": -2, "rgb-8.png": 300, "palette-8.png": 922}
    cuts |= {"rgb-8-interlaced.png": 300, "rgba-16.png": 600}
    for name, size in cuts.items():
        with open(OLD + name, "rb") as file:
            save_data("cut-" + name, file.read()[:size])
    ImageFile.LOAD_TRUNCATED_IMAGES = False


if __name__ == "__main__":
    make_webps()
    make_tiffs()
    make_heifs()
    make_cut()
    make_transparent_gray()
    make_hidden()
    save("turned.png", RGB, exif=turned())
    for path in sorted(glob.glob(OLD + "*.png")):
        save_background(path)
