"""The options of one call of a scorer, among them the argument names of sentence-transformers.

Code that was written for the cross-encoder of sentence-transformers passes these names. Each of them works here, or is
refused with the name of what to use instead; none is ignored if it would change the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from resift.rerank.scorers.activations import ACTIVATIONS
from resift.rerank.scorers.model_folder import ModelFolder
from resift.retrieval.errors import SettingsError
from resift.retrieval.near_names import suggestion


class PredictArguments(TypedDict, total=False):
    """Arguments that sentence-transformers takes for pairs, by keyword.

    `batch_size` is the maximum number of pairs in a batch, besides the limit of tokens. `show_progress_bar` shows a bar
    on standard error. `activation_fn` is torch.nn.Sigmoid or torch.nn.Identity, as `activation`. `prompt_name` is the
    name of a prompt in the model's folder. `apply_softmax`, `num_workers` and `chunk_size` change nothing here, nor do
    they there with one label and one process. The others are accepted with their default values only.
    """

    batch_size: int
    show_progress_bar: bool | None
    activation_fn: object
    prompt_name: str | None
    apply_softmax: bool | None
    convert_to_numpy: bool
    convert_to_tensor: bool
    num_workers: int
    device: object
    pool: object
    chunk_size: int | None


class RankArguments(PredictArguments, total=False):
    """Arguments that sentence-transformers takes for a query, by keyword.

    `prompt` is put before the query, as for pairs; `top_k` means the same as `top_n`.
    """

    prompt: str | None
    top_k: int | None


REFUSED: dict[str, tuple[tuple[object, ...], str]] = {
    "convert_to_numpy": ((True, None), "the scores are a NumPy array; use its tolist()"),
    "convert_to_tensor": ((False, None), "the scores are a NumPy array; use torch.from_numpy(...)"),
    "device": ((None,), "a model stays on the device on which it was loaded; use ScorerSettings(device=...)"),
    "pool": ((None,), "there is no pool of processes; load one scorer in each process"),
}
"""Argument that is not supported -> its values that change nothing, and what to use instead."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How the pairs of one call are scored.

    `activation` is a name in `ACTIVATIONS`, `prompt` the text before every query, `batch_size` the maximum number of
    pairs in a batch (no limit if None), and `progress` whether a bar is shown.
    """

    activation: str
    prompt: str
    batch_size: int | None = None
    progress: bool = False


def read_options(folder: ModelFolder, given: Mapping[str, Any], known: type) -> CallOptions:
    """Return the options of a call for the model of `folder`.

    `given` are the arguments by keyword: `activation` and `prompt`, None if not given, and those of
    sentence-transformers that the class `known` declares. Raises SettingsError for a value that cannot be used,
    ModelError if the model's own activation is not known, and TypeError for an unknown argument.
    """
    _refuse(given, ["activation", "prompt", *known.__annotations__])
    batch_size = given.get("batch_size")
    if batch_size is not None and batch_size < 1:
        raise SettingsError(f"{batch_size} is below 1; expected 1 or more", "batch_size")
    return CallOptions(
        activation=_activation(folder, given.get("activation"), given.get("activation_fn")),
        prompt=_prompt(folder, given.get("prompt"), given.get("prompt_name")),
        batch_size=batch_size,
        progress=bool(given.get("show_progress_bar")),
    )


def choose_top(top_n: int | None, top_k: int | None) -> int | None:
    """Return the maximum number of rows, given under either name. Raises SettingsError for two, or one below 0."""
    if top_n is not None and top_k is not None and top_n != top_k:
        raise SettingsError(f"{top_k} differs from top_n={top_n}, which means the same; give only one", "top_k")
    name, value = ("top_k", top_k) if top_n is None else ("top_n", top_n)
    if value is not None and value < 0:
        raise SettingsError(f"{value} is below 0; expected 0 or more", name)
    return value


def _refuse(given: Mapping[str, Any], known: list[str]) -> None:
    for name, value in given.items():
        if name not in known:
            raise TypeError(f"got an unexpected keyword argument {name!r}{suggestion(name, known)}")
        harmless, instead = REFUSED.get(name, ((value,), ""))
        if not any(value is one for one in harmless):
            raise SettingsError(f"{value!r} is not supported: {instead}", name)


def _activation(folder: ModelFolder, name: str | None, function: object) -> str:
    """Return the name of the activation, from our argument, sentence-transformers' or the folder."""
    if function is not None:
        if name is not None:
            raise SettingsError("activation was given too, which means the same; give only one", "activation_fn")
        owner = function if isinstance(function, type) or hasattr(function, "__name__") else type(function)
        called = function if isinstance(function, str) else str(getattr(owner, "__name__", owner))
        if called.lower() not in ACTIVATIONS:
            raise SettingsError(
                f"{called} is not supported: pass activation='identity', and apply the function to the scores",
                "activation_fn",
            )
        return called.lower()
    chosen = folder.activation if name is None else name
    if chosen in ACTIVATIONS:
        return chosen
    if name is None:
        raise folder.error(f"its activation {chosen} is not supported; pass activation='sigmoid' or 'identity'")
    raise SettingsError(f"{name!r} is not known; expected {' or '.join(ACTIVATIONS)}", "activation")


def _prompt(folder: ModelFolder, text: str | None, name: str | None) -> str:
    """Return the text before every query: the given one, that with the given name, or the folder's default."""
    if text is not None:
        return text
    if name is None:
        return folder.prompt
    if name not in folder.prompts:
        known = ", ".join(folder.prompts) or "none"
        raise SettingsError(f"the model has no prompt {name!r}; its prompts: {known}", "prompt_name")
    return folder.prompts[name]
