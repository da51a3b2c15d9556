"""The two kernels that a tool can name, and how they get into a Jupyter environment.

`unrolled-confined` has TensorFlow; `unrolled-confined-numpy` has not, for exercises that are to be
done by hand: there it is left out of the file system.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir

from autograder.files import write_atomically

TENSORFLOW_KERNEL = "unrolled-confined"
NUMPY_KERNEL = "unrolled-confined-numpy"

FRAMEWORKS = (
    "tensorflow*", "tf_keras*", "keras*", "tensorboard*", "torch*", "functorch*", "jax*", "flax*",
    "onnx*", "mxnet*",
)  # fmt: skip
"""What is left out of site-packages for the kernel without TensorFlow."""


def kernelspec(
    name: str, *, limits: dict[str, Any] | None = None, **configuration: Any
) -> dict[str, Any]:
    """The contents of a `kernel.json`.

    Args:
        name: one of the two kernels.
        limits: any of `Limits`, over its defaults.
        configuration: traits of `WarmProvisioner`.
    """
    tensorflow = name == TENSORFLOW_KERNEL
    configuration = {"tensorflow": tensorflow, "limits": limits or {}, **configuration}
    if not tensorflow:
        configuration.setdefault("hidden_modules", list(FRAMEWORKS))
    return {
        # Nobody runs this command; tools that show kernels want to see one.
        "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"Python (confined, {'TensorFlow' if tensorflow else 'NumPy only'})",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {
            "debugger": False,
            "kernel_provisioner": {
                "provisioner_name": "unrolled-warm",
                "config": configuration,
            },
        },
    }


def install_kernelspecs(prefix: str | Path | None = None) -> list[Path]:
    """Make sure that both kernels are there as this version writes them. Returns their directories.

    Args:
        prefix: of a Jupyter environment. By default this one, or the user's own folder where the
            environment belongs to somebody else.

    Raises:
        PermissionError: the environment holds older ones and is not ours to write.
    """
    if prefix is not None:
        places = [Path(prefix, "share", "jupyter")]
    else:
        places = [Path(sys.prefix, "share", "jupyter"), Path(jupyter_data_dir())]
    return [_install(name, places) for name in (TENSORFLOW_KERNEL, NUMPY_KERNEL)]


def _install(name: str, places: Sequence[Path]) -> Path:
    text = json.dumps(kernelspec(name), indent=1) + "\n"
    for place in places:
        path = place / "kernels" / name / "kernel.json"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return path.parent
        try:
            write_atomically(path, text)  # another grader may be reading it
        except PermissionError:
            if path.exists() or place is places[-1]:
                raise  # Jupyter would go on to find the older one
            continue
        return path.parent
    raise FileNotFoundError(name)
