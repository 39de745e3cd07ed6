"""Import ONNX Runtime without its telemetry, which newer releases send to their maker unless a variable forbids it.

Everything in resift imports it from here: the variable is read once, when the library is first imported, and its
function that switches telemetry off comes too late.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # noqa: E402, TID251 - after the variable

__all__ = ["onnxruntime"]
