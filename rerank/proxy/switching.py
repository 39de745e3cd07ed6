"""Switch a running proxy, or read its definitions again, and log its modes after that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from resift.rerank.index_definitions import IndexDefinitions
from resift.rerank.proxy.fields import FieldChooser
from resift.rerank.proxy.rules import Rules

_LOG = logging.getLogger("resift.proxy")
_NO_LOG = "an index is reranked in the shadow, and nothing shows it: the proxy was started without a log"
_NO_INDEX = "no index is reranked: neither the command nor the settings file names one"


class Switching:
    """The rules of a proxy while it runs; `logged` says whether searches are logged, `reread` reads the definitions."""

    def __init__(
        self, rules: Rules, fields: FieldChooser, logged: bool, reread: Callable[[], IndexDefinitions] | None
    ) -> None:
        """Keep the parts."""
        self._rules, self._fields, self._logged, self._reread = rules, fields, logged, reread

    def everything(self, mode: Any) -> None:  # noqa: ANN401 - "off" or None
        """Switch everything to `mode`; None undoes that."""
        self._rules.set(None, mode)
        self.switched()

    def switched(self) -> list[str]:
        """Log the modes of all indices after a change, and return what is to be known of them."""
        state = self._rules.describe()
        _LOG.warning("switched", extra={"facts": {"all": state["all"] or "as configured", **state["indices"]}})
        return self.notes()

    def notes(self) -> list[str]:
        """Log and return what is probably not wanted: an index in the shadow that no log shows, or no index at all."""
        modes = self._rules.describe()["indices"].values()
        found = [_NO_LOG] if "shadow" in modes and not self._logged else []
        found += [] if modes else [_NO_INDEX]
        for note in found:
            _LOG.warning(note)
        return found

    def reread(self) -> None:
        """Read the definitions of indices again; if they cannot be used, the former ones stay."""
        try:
            if self._reread is not None:
                self._rules.replace(self._reread())
            self._fields.forget()
        except Exception as error:
            _LOG.error("the settings file was not read again", extra={"facts": {"error": str(error)}})
            return
        _LOG.info("read again", extra={"facts": self._rules.describe()["indices"]})
        self.notes()
