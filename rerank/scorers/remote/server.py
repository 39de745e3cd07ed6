"""What is known of a model on a server: its dialect, its limits, and the facts that a model's folder would have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from resift.rerank.scorers.model_folder import ModelFolder
from resift.rerank.scorers.own_fusion import read_fusion
from resift.rerank.scorers.remote.dialects import INFINITY, RESIFT, TABLE, TEI, VLLM, Dialect
from resift.rerank.scorers.remote.exchange import Ask, Exchange, Steps
from resift.rerank.scorers.remote.reply import ReplyError, read_json
from resift.rerank.scorers.server_address import DIALECTS, ServerAddress
from resift.retrieval.errors import SettingsError

_SELF_DESCRIBED = (RESIFT, TEI)  # dialects of servers that have /info


@dataclass(frozen=True, slots=True)
class Server:
    """A model on a server.

    `dialect`: its API. `url`: where pairs are posted. `model`: the name that is sent, None for none. `most`: the pairs
    of a request at most. `max_length`: the tokens of a pair that the model reads, 0 if not known. `folder`: what is
    known of the model, in the form of a model's folder, which does not exist: its languages, fusion and activation.
    """

    dialect: Dialect
    url: str
    model: str | None
    most: int
    max_length: int
    folder: ModelFolder


def find_server(address: ServerAddress, exchange: Exchange) -> Steps[Server]:
    """Ask the server what it is, unless its dialect is given and has no way to ask; return what it says.

    Raises ModelError if the server cannot be reached or is not recognized, and SettingsError if its dialect needs the
    name of a model and none is given.
    """
    name, model = address.dialect, address.model
    info: Mapping[str, Any] = {}
    if name is None or name in _SELF_DESCRIBED:
        info = yield from _find_info(address, exchange)
        name = name or _dialect_of(info)
    if name is None:
        name, model = yield from _find_listed(address, exchange)
    dialect = TABLE[name]
    if dialect.needs_model and model is None:
        raise SettingsError(
            f"{exchange.name} does not name a model, which {name} needs; add it: {exchange.name}#MODEL", "model"
        )
    if name == RESIFT and info.get("service") != RESIFT:
        raise exchange.error("the server's /info is not that of resift; check the address, or name another dialect")
    own = _own_facts(info, model, exchange) if name == RESIFT else {}
    most = _count(info, "max_client_batch_size") or dialect.most
    return Server(
        dialect=dialect,
        url=address.base + (address.endpoint if address.endpoint and name != RESIFT else dialect.path),
        model=model,
        most=min(most, dialect.most) if name == RESIFT else most,
        max_length=_count(info, "max_input_length") or 0,
        folder=_folder(exchange.name, own),
    )


def _find_info(address: ServerAddress, exchange: Exchange) -> Steps[Mapping[str, Any]]:
    """Return the JSON object of /info, which resift and TEI have; empty if there is none."""
    wanted = f"?model={quote(address.model, safe='')}" if address.model else ""
    found = yield from _find_json(f"{address.base}/info{wanted}", exchange)
    if found is None and wanted:  # it does not have that model; what it has is in its own facts
        found = yield from _find_json(f"{address.base}/info", exchange)
    return found if isinstance(found, Mapping) else {}


def _find_listed(address: ServerAddress, exchange: Exchange) -> Steps[tuple[str, str | None]]:
    """Return the dialect and the model of a server that lists its models as OpenAI does. Raises ModelError."""
    for path in ("/v1/models", "/models"):
        found = yield from _find_json(address.base + path, exchange)
        rows = found.get("data") if isinstance(found, Mapping) else None
        if not isinstance(rows, list):
            continue
        models = [row for row in rows if isinstance(row, Mapping) and isinstance(row.get("id"), str)]
        if address.model is None and len(models) != 1:
            known = ", ".join(str(row["id"]) for row in models[:10]) or "none"
            raise exchange.error(f"the server has several models or none ({known}); add one: {exchange.name}#MODEL")
        infinity = path == "/models" or any(row.get("owned_by") == INFINITY for row in models)
        return INFINITY if infinity else VLLM, address.model or str(models[0]["id"])
    names = ", ".join(DIALECTS)
    raise exchange.error(
        f"the server does not say which API it has; name its dialect ({names}), as in DIALECT+{exchange.name}"
    )


def _find_json(url: str, exchange: Exchange) -> Steps[Any]:
    """Return the JSON at `url`, None if there is none. Raises ModelError if the key is refused, or nobody answers."""
    reply = yield from exchange.ask(Ask(url))
    if reply.status in (401, 403) or 300 <= reply.status < 400 or reply.status >= 500:
        exchange.refuse(reply, url)
    if reply.status != 200:
        return None
    try:
        return read_json(reply.content)
    except ReplyError:
        return None


def _dialect_of(info: Mapping[str, Any]) -> str | None:
    if info.get("service") == RESIFT:
        return RESIFT
    return TEI if "model_id" in info and "max_client_batch_size" in info else None


def _own_facts(info: Mapping[str, Any], model: str | None, exchange: Exchange) -> Mapping[str, Any]:
    """Return the member "resift" of /info; empty if it is of another model than the requested one.

    Raises ModelError if the server does not have that model.
    """
    facts = info.get("resift")
    facts = facts if isinstance(facts, Mapping) else {}
    if model is None or facts.get("model") == model:
        return facts
    known = facts.get("models")
    if isinstance(known, list) and model not in known:
        raise exchange.error(f"the server has no model {model}; it has {', '.join(map(str, known[:10]))}")
    return {}


def _folder(name: str, facts: Mapping[str, Any]) -> ModelFolder:
    """Return what a model's folder would say; `facts` are "languages", "activation" and "fusion". Raises ModelError."""
    languages, activation = facts.get("languages"), facts.get("activation")
    folder = ModelFolder(
        path=Path(name),
        name=name,
        config={},
        tokenizer={},
        head={"activation_fn": activation} if activation in ("sigmoid", "identity") else {},
        legacy={},
        card={"language": tuple(map(str, languages))} if isinstance(languages, list) else {},
        resift={"fusion": facts.get("fusion")},
    )
    read_fusion(folder.resift, name)
    return folder


def _count(info: Mapping[str, Any], name: str) -> int | None:
    """Return a member that is a positive integer; None for anything else."""
    value = info.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
