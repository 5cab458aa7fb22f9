"""``.png``: a picture as floats from 0 to 1, ``[y,x]`` where it is grey and ``[y,x,c]`` where it has colours.

In: an open file. Out: a ``Content``. The shape is in the first bytes of the file and is read here; the pixels are
unpacked by Pillow, once the shape has passed the limits. Format: PNG (third edition), sections 5 and 11.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from typing import TYPE_CHECKING

from tensorlang.data.content import Content, Opened, check_held

if TYPE_CHECKING:
    from tensorlang.data.content import Array

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOURS, _PALETTE, _GREY_ALPHA, _COLOURS_ALPHA = 0, 2, 3, 4, 6
_MODES = {_COLOURS: "RGB", _PALETTE: "RGB", _GREY_ALPHA: "LA", _COLOURS_ALPHA: "RGBA"}


def inspect_png(opened: Opened) -> Content:
    opened.no_key()
    opened.handle.seek(0)
    head = opened.handle.read(33)
    if len(head) < 33 or not head.startswith(_SIGNATURE) or head[12:16] != b"IHDR":
        raise opened.damaged("it does not begin as a png file does")
    width, height, depth, colour = struct.unpack(">IIBB", head[16:26])
    if not (0 < width < 2**31 and 0 < height < 2**31 and (colour == _GREY or colour in _MODES)):
        raise opened.damaged("its header gives no usable size and colours")
    mode = _MODES.get(colour, "I;16" if depth == 16 else "L")
    shape = (height, width) if colour == _GREY else (height, width, len(mode))

    def array(start: int, stop: int) -> Array:
        check_held(opened, shape, "float")
        return _pixels(opened, mode, shape)[start:stop]

    return Content(shape, "float", array)


def _pixels(opened: Opened, mode: str, shape: tuple[int, ...]) -> Array:
    import numpy

    try:
        from PIL import Image
    except ImportError:
        raise opened.fault(
            "E0712",
            f"`{opened.path}` is a picture, and Pillow, which unpacks it, is not installed",
            'pip install "tensorlang[plot]"',
        ) from None
    opened.handle.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes that the limit above has allowed
            with Image.open(opened.handle, formats=("PNG",)) as image:
                found = image if mode == "I;16" else image.convert(mode)
                array = numpy.asarray(found, dtype=numpy.float64)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError):
        raise opened.damaged("its pixels cannot be unpacked") from None
    if array.shape != shape:
        raise opened.damaged("its pixels are not as many as its header says")
    return array / (65535.0 if mode == "I;16" else 255.0)
