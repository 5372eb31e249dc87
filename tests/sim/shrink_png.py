#!/usr/bin/python3
# shrink_png.py FROM TO: a screenshot of a browser (8 bits, RGB or RGBA) with a
# palette: a sixth of its size. Each channel keeps 3 bits, or 2 where these give
# more than 256 colours.

import struct, sys, zlib


def chunks(data):
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def unfilter(raw, height, stride, bpp):
    rows, before, at = [], bytearray(stride), 0
    for _ in range(height):
        kind, row = raw[at], bytearray(raw[at + 1:at + 1 + stride])
        for i in range(stride):
            left = row[i - bpp] if i >= bpp else 0
            corner = before[i - bpp] if i >= bpp else 0
            row[i] = (row[i] + (0, left, before[i], (left + before[i]) // 2,
                                paeth(left, before[i], corner))[kind]) & 255
        rows.append(row)
        before, at = row, at + 1 + stride
    return rows


def indexed(rows, bpp, bits):
    top, colours, out = (1 << bits) - 1, {}, bytearray()
    for row in rows:
        out.append(0)
        for i in range(0, len(row), bpp):
            key = tuple((v * top + 127) // 255 for v in row[i:i + 3])
            out.append(colours.setdefault(key, len(colours) & 255))
    return colours, out, top


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main():
    data = open(sys.argv[1], "rb").read()
    parts = list(chunks(data))
    width, height, depth, colour = struct.unpack(">IIBB", parts[0][1][:10])
    bpp = {2: 3, 6: 4}[colour]
    assert depth == 8
    raw = zlib.decompress(b"".join(d for kind, d in parts if kind == b"IDAT"))
    rows = unfilter(raw, height, width * bpp, bpp)
    colours, out, top = indexed(rows, bpp, 3)
    if len(colours) > 256:
        colours, out, top = indexed(rows, bpp, 2)
    palette = bytes(v * 255 // top for key in colours for v in key)
    with open(sys.argv[2], "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
                   + chunk(b"PLTE", palette) + chunk(b"IDAT", zlib.compress(bytes(out), 9)) + chunk(b"IEND", b""))


main()
