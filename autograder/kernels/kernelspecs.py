"""The two kernels that a tool can name, and how they get into a Jupyter environment.

`unrolled-confined` has TensorFlow; `unrolled-confined-numpy` has not, for exercises that are to be
done by hand: there it is left out of the file system.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

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


def install_kernelspecs(prefix: str | Path = sys.prefix) -> list[Path]:
    """Write both kernels into an environment, over older ones. Returns their directories.

    Raises:
        PermissionError: the environment is not ours to write.
    """
    directories = []
    for name in (TENSORFLOW_KERNEL, NUMPY_KERNEL):
        directory = Path(prefix, "share", "jupyter", "kernels", name)
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps(kernelspec(name), indent=1)
        (directory / "kernel.json").write_text(text + "\n", encoding="utf-8")
        directories.append(directory)
    return directories
