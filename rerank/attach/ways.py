"""The ways in which a reranker gets into a deployment: what each needs and costs, and whether a cluster allows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from resift.rerank.attach.attachment import PLUGINS, RERANK_SINCE
from resift.rerank.attach.cluster_facts import ClusterFacts
from resift.rerank.attach.connection_options import options_of
from resift.rerank.attach.elasticsearch_requests import LICENCES
from resift.rerank.attach.engine_requests import OPENSEARCH
from resift.retrieval.engine.settings import ConnectionSettings

_SERVE_FOR_OTHERS = (
    "export RESIFT_MODEL_API_KEY=$(openssl rand -hex 24)",
    'echo "engine:$RESIFT_MODEL_API_KEY" > keys.txt',
    "resift serve --host 0.0.0.0 --keys-file keys.txt",
)
_LOCAL = ("localhost", "127.0.0.1", "::1")
_MODEL_ALONE = (
    "the model alone orders the hits, as `fusion` none does, since the engine sends no BM25 scores; the order that "
    "fuses both, the default elsewhere, needs the proxy or the wrapper"
)
_SERVICE_RUNS = "a machine on which resift serve runs (extra serve)"
_ATTACHING = "a machine on which resift attach runs once (extra remote)"


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: `fits` is None if it is not known whether the cluster allows it; `why` says on what that depends.

    `needs` and `costs`: one line each. `commands`: to be run one after another, without change but for addresses.
    """

    name: str
    title: str
    fits: bool | None
    why: str
    needs: tuple[str, ...]
    costs: tuple[str, ...]
    commands: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the way as a JSON object."""
        lists = {name: list(getattr(self, name)) for name in ("needs", "costs", "commands")}
        return {"name": self.name, "title": self.title, "fits": self.fits, "why": self.why, **lists}


def ways(
    facts: ClusterFacts, url: str, index: str, python: str, connection: ConnectionSettings | None = None
) -> tuple[Way, ...]:
    """Return all ways, the cheapest that fits first: the hook where it is known to fit, else the proxy.

    `url`, `index` and `connection` are for the commands, and `python` is the wrapper's program.
    """
    settings = connection or ConnectionSettings()
    commands = _hook_commands(url, index, options_of(settings))
    hook = _opensearch_hook(facts, commands) if facts.flavour == OPENSEARCH else _elasticsearch_hook(facts, commands)
    others = (_proxy(url, index, options_of(settings, certificates_alone=True)), _wrapper(python))
    return (hook, *others) if hook.fits else (*others, hook)


def _opensearch_hook(facts: ClusterFacts, commands: tuple[str, ...]) -> Way:
    fits, why = _opensearch_fits(facts)
    return Way(
        "hook",
        "a search pipeline of OpenSearch, which calls the service",
        fits,
        why,
        (
            f"{_SERVICE_RUNS}, and that the engine's nodes reach it",
            _ATTACHING,
            "the rights to change cluster settings, connectors, models and search pipelines; no restart",
            "searches name the pipeline and send the words in ext.rerank",
        ),
        (
            _MODEL_ALONE,
            "one field is read, and the page alone is reranked: ask for 100 hits and cut them in the application",
            "one call from a node to the service for each search; if it fails, BM25's order is kept without a notice",
        ),
        commands,
    )


def _opensearch_fits(facts: ClusterFacts) -> tuple[bool | None, str]:
    if facts.managed:
        return False, f"{facts.managed} does not let its nodes call an address of your own by these settings"
    if (0, 0) < facts.release < RERANK_SINCE:
        return False, f"version {facts.version} has no rerank processor, which came with 2.12"
    lacking = [] if facts.plugins is None else [name for name in PLUGINS if name not in facts.plugins]
    if lacking:
        return False, f"the plugin {' and '.join(lacking)} is not installed on every node"
    if facts.plugins is None:
        return None, "whether the plugins are installed is not known"
    if facts.settings is None or facts.connectors is None:
        return None, "this user may not see the settings or connectors; an administrator may attach"
    return True, "version and plugins are there"


def _elasticsearch_hook(facts: ClusterFacts, commands: tuple[str, ...]) -> Way:
    fits, why = _elasticsearch_fits(facts)
    return Way(
        "hook",
        "an inference endpoint of Elasticsearch with the retriever text_similarity_reranker",
        fits,
        why,
        (
            f"an {' or '.join(LICENCES)} licence",
            f"{_SERVICE_RUNS}, and that the engine's nodes reach it",
            _ATTACHING,
            "the privilege manage_inference; no restart",
            "searches are sent as a retriever",
        ),
        (
            _MODEL_ALONE,
            "one field is read",
            "one call from a node to the service for each search; if it fails, the search fails",
            "these requests were not run on a real Elasticsearch",
        ),
        commands,
    )


def _elasticsearch_fits(facts: ClusterFacts) -> tuple[bool | None, str]:
    if facts.managed:
        return False, f"{facts.managed}: its nodes do not reach an address in your own network"
    if facts.licensed is False:
        return False, f"the licence is {facts.licence}; expected {' or '.join(LICENCES)}"
    if facts.inference is False:
        return False, "this Elasticsearch has no inference API"
    if facts.licensed is None or facts.inference is None:
        return None, "whether the licence has the inference API is not known"
    return True, f"the licence is {facts.licence}, and the inference API is there"


def _hook_commands(url: str, index: str, options: str) -> tuple[str, ...]:
    """Return the commands: an engine on this machine needs no key, one elsewhere reaches THIS_HOST."""
    target = f"{url}/{index}" if index else url
    field = "" if index else " --source-text FIELD"
    here = all(urlsplit(host).hostname in _LOCAL for host in url.split(","))
    service = "http://127.0.0.1:8080" if here else "http://THIS_HOST:8080"
    return (
        *(("resift serve",) if here else _SERVE_FOR_OTHERS),
        f"resift attach {target} --service {service}{field}{options} --dry-run",
        f"resift attach {target} --service {service}{field}{options}",
        f"resift doctor {target if index else f'{url}/INDEX'}{options}",
        f"resift detach {url}{options}  # takes it all back",
    )


def _proxy(url: str, index: str, options: str) -> Way:
    return Way(
        "proxy",
        "resift proxy between any application and the engine",
        True,
        "it needs nothing of the engine but searches: any version, licence and provider",
        (
            "the rights that the application has already; no restart, no plugin, no licence",
            "a machine on which resift proxy runs (extra proxy)",
            "the applications' engine address is changed to the proxy's",
        ),
        ("one more hop for each request of the applications, and one more process to run",),
        (f"resift proxy --to {url} --index {index or 'INDEX'}{options}  # applications then use port 9400",),
    )


def _wrapper(python: str) -> Way:
    return Way(
        "wrapper",
        "one changed line in an application in Python",
        True,
        "it needs nothing of the engine but searches: any version, licence and provider",
        ("an application in Python with the engine's own client", "the rights that it has already"),
        ("the model runs in the application's process, or behind http with the extra remote",),
        (python,),
    )
