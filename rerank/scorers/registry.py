"""Tables of the backends that run a model, and of the models that the package contains.

A new backend is one file and one row in `BACKENDS`; a new embedded model is one folder and one row in `MODELS`. A model
on a server has one class, and a new kind of server is one row in `resift.rerank.scorers.remote.dialects.TABLE`.
"""

BACKENDS = {
    "torch": "resift.rerank.scorers.torch_backend:CrossEncoder",
    "onnx": "resift.rerank.scorers.onnx_backend:OnnxCrossEncoder",
}
"""Backend -> "module:Class"; the arguments of the class are (folder, settings, name), the last one optional."""

REMOTE = "resift.rerank.scorers.remote.scorer:RemoteScorer"
"""The class for a model on a server, as in `BACKENDS`; its arguments are (address, settings, name)."""

MODELS = {name: name for name in ("resift-small", "resift-base", "resift-tiny")}
"""Name of an embedded model -> its folder in `rerank/models`."""

DEFAULT_MODEL = "resift-small"

NO_MODEL = "none"
"""The name that means "no model": results keep the order of the first stage."""
