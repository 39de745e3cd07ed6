"""Which indices are reranked, how, and whether now: the definitions, the names of the command line, the switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from resift.rerank.index_definitions import MODES, IndexDefinition, IndexDefinitions
from resift.rerank.settings import RerankSettings
from resift.rerank.template import Template
from resift.retrieval.engine.settings import EngineSettings
from resift.retrieval.errors import SettingsError

Mode = Literal["off", "shadow", "on"]
_OTHER = "other"  # the name of the rule of indices that are not named anywhere


@dataclass(frozen=True, slots=True)
class Rule:
    """How the searches of some indices are reranked.

    `name`: the name or pattern by which it is known. `fields`: what is read of a hit; empty: chosen by the mapping.
    """

    name: str
    mode: Mode
    fields: tuple[str, ...]
    settings: RerankSettings

    def equals(self, other: Rule) -> bool:
        """Return whether the documents of both are read and reranked in the same way."""
        return (self.fields, self.settings) == (other.fields, other.settings)

    @property
    def template(self) -> Template:
        """The template of the text that the model reads."""
        return Template(self.settings.template, self.settings.html)


def named_fields(settings: EngineSettings) -> list[str]:
    """Return the fields that the settings name; none if they are to be chosen by the mapping."""
    named = settings.search_fields if settings.source_text is None else None
    return [name.strip() for name in (named or "").split(",") if name.strip()]


@dataclass(slots=True)
class Switch:
    """What was switched since the start: everything, or single rules by their names."""

    everything: Mode | None = None
    rules: dict[str, Mode] = field(default_factory=dict)

    def of(self, name: str, mode: Mode) -> Mode:
        """Return the mode of the rule `name`, whose own mode is `mode`; the more careful of the two if all is switched.

        >>> Switch("shadow").of("articles", "on"), Switch("shadow").of("articles", "off")
        ('shadow', 'off')
        """
        own = self.rules.get(name, mode)
        if self.everything is None:
            return own
        return cast(Mode, MODES[min(MODES.index(own), MODES.index(self.everything))])


class Rules:
    """Finds the rule of a search; its definitions can be replaced, and its modes switched, while searches run."""

    def __init__(
        self,
        names: Sequence[str],
        definitions: IndexDefinitions,
        settings: RerankSettings,
        fields: Sequence[str] = (),
        shadow: bool = False,
    ) -> None:
        """Rerank the indices `names`, or those of `definitions` if there are none, by `settings`.

        `fields` are read of the hits of all of them, if they are given. `shadow`: those that are on are in the shadow.
        """
        self._names, self._settings, self._shadow = tuple(names), settings, shadow
        self._fields = tuple(name.partition("^")[0] for name in fields)
        self.switch = Switch()
        self.replace(definitions)

    def replace(self, definitions: IndexDefinitions) -> None:
        """Use other definitions from now on."""
        self._definitions = definitions
        own = {one.pattern: one for one in definitions}
        patterns = self._names or tuple(own)
        self._opted = IndexDefinitions({name: own.get(name, IndexDefinition(name)) for name in patterns})
        self._known: dict[tuple[str, bool], Rule | None] = {}

    def of(self, index: str, asked: bool = False) -> Rule | None:
        """Return the rule of the searches of `index`, a name or several with commas; None if they are not reranked.

        `asked`: the request itself asks for it.
        """
        key = (index, asked)
        if key not in self._known:
            if len(self._known) > 10_000:  # of names that callers chose
                self._known.clear()
            self._known[key] = self._find(index, asked)
        found = self._known[key]
        if found is None:
            return self._of_several(index, asked) if "," in index else None
        mode = self.switch.of(found.name, found.mode)
        return found if mode == found.mode else Rule(found.name, mode, found.fields, found.settings)

    def _of_several(self, index: str, asked: bool) -> Rule | None:
        """Return the rule of several indices, whose documents are read and reranked in the same way; the most careful.

        None if one of them has no rule, or another one.
        """
        names = [name for name in index.split(",") if name]
        rules = [self.of(name, asked) for name in names]
        first = rules[0] if rules else None
        if first is None or any(one is None or not one.equals(first) for one in rules):
            return None
        return min((one for one in rules if one is not None), key=lambda one: MODES.index(one.mode))

    def _find(self, index: str, asked: bool) -> Rule | None:
        if not index:
            return None
        opted = self._opted.of(index)
        if opted is None and not asked:
            return None
        definition = self._definitions.of(index) or opted or IndexDefinition(_OTHER)
        named = opted is not None or definition.pattern != _OTHER
        mode: Mode = self._mode(definition) if named else "on"
        name = definition.pattern if opted is None else opted.pattern
        fields = self._fields or definition.names
        return Rule(name, mode, fields, definition.applied_to(self._settings))

    @property
    def everything_off(self) -> bool:
        """Whether everything is switched off."""
        return self.switch.everything == "off"

    def check(self, name: str | None, mode: object) -> None:
        """Raise SettingsError if `set` does not take these values."""
        if mode is not None and mode not in MODES:
            raise SettingsError(f"{mode!r} is not a mode; expected one of {', '.join(MODES)}", "switch")
        if name is not None and name not in self._opted.definitions:
            known = ", ".join(self._opted.definitions) or "there are none"
            raise SettingsError(f"no index or pattern {name!r} is reranked; known are: {known}", "switch")

    def set(self, name: str | None, mode: Mode | None) -> None:
        """Switch the rule `name`, or everything if it is None, to `mode`; None undoes that.

        Raises SettingsError if the rule or the mode is not known.
        """
        self.check(name, mode)
        if name is None:
            self.switch.everything = mode
        elif mode is None:
            self.switch.rules.pop(name, None)
        else:
            self.switch.rules[name] = mode

    def describe(self) -> Mapping[str, Any]:
        """Return the state of the switch: everything, and each index with its mode now."""
        indices = {one.pattern: self.switch.of(one.pattern, self._mode(one)) for one in self._opted}
        return {"all": self.switch.everything, "indices": indices}

    def _mode(self, definition: IndexDefinition) -> Mode:
        return "shadow" if self._shadow and definition.mode == "on" else definition.mode
