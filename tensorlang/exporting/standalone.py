"""The Python file: the generated source with a class that reads its weights, and nothing to import but torch.

In: generated code and its signature. Out: the text, and the bytes of its weights as ``.safetensors``.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tensorlang.backends.torch_module import Generated
from tensorlang.signature import MARK, Signature

_LOADER = '''

def load(path: str = os.path.join(os.path.dirname(os.path.abspath(__file__)), "{weights}")) -> "Model":
    """The model with its weights, read from a .safetensors file: a JSON header, then plain numbers."""
    types = {{"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "I64": torch.int64,
             "BOOL": torch.bool, "C64": torch.complex64}}
    with open(path, "rb") as file:
        content = bytearray(file.read())
    base = 8 + int.from_bytes(content[:8], "little")
    values: Dict[str, Tensor] = {{}}
    for name, entry in json.loads(content[8:base]).items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            flat = torch.frombuffer(content[base + start : base + end] or bytearray(1), dtype=torch.uint8)
            values[name] = flat[: end - start].view(types[entry["dtype"]]).reshape(entry["shape"])
    return Model(values).eval()
'''


def standalone(made: Generated, signed: Signature, name: str) -> str:
    """The text of the file called ``name``."""
    weights = name.rsplit(".", 1)[0] + ".safetensors"
    head, _, body = made.text.partition("\n\n")
    usage = ", ".join(tensor.name for tensor in signed.inputs)
    doc = [
        f'"""{signed.source}, compiled by tensorlang {signed.version} to plain torch; nothing else is needed.',
        "",
        f"    from {name.rsplit('.', 1)[0]} import load",
        f"    model = load()          # reads {weights} beside this file",
        f"    model({usage})",
        "",
        *(f"{line}" for line in signed.lines()[1:-1]),
        '"""',
    ]
    assert head.startswith('"""'), "generated code begins with its docstring"
    return "\n".join((*doc, f"{MARK}{signed.json()}", "", "import json", "import os", body.rstrip("\n"), "")) + (
        _LOADER.format(weights=weights)
    )


def packed(values: Mapping[str, torch.Tensor]) -> bytes:
    """Tensors as the bytes of a ``.safetensors`` file."""
    from safetensors.torch import save

    return save({name: value.clone().contiguous() for name, value in values.items()})
