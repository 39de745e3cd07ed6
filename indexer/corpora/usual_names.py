"""The usual names of the columns of tables, and of the keys of JSON, in several languages."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from resift.indexer.corpora.settings import ID_FIELDS, TEXT_FIELDS, TITLE_FIELDS


@functools.lru_cache(maxsize=4096)
def normal_name(name: str) -> str:
    """Return what is compared of a name: without case, accents, blanks, dots, hyphens and inner underscores."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.strip().casefold()) if not unicodedata.combining(c))
    return plain[:1] + re.sub(r"[\s._-]+", "", plain[1:])


@dataclass(frozen=True, slots=True)
class Roles:
    """The usual names of the columns of a table, best first, and what its columns are if it has no header row.

    `by_count` maps a number of columns to their names in such a table. With `joins_others`, the text of a table that
    has no column with a usual name for it is all columns that are neither the id nor the title. `can_be_named`:
    whether the reader of the table has settings that name its columns.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    texts: tuple[str, ...]
    by_count: Mapping[int, tuple[str, ...]]
    joins_others: bool = False
    can_be_named: bool = True

    def knows(self, name: str) -> bool:
        """Return whether `name` is a usual name, as `find_column` compares names."""
        return normal_name(name) in _normal_names((*self.ids, *self.titles, *self.texts))


@cache
def _normal_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(normal_name, names))


DOCUMENTS = Roles(
    ids=(
        *ID_FIELDS,
        *("pid", "passage_id", "document_id", "article_id", "corpus_id", "uuid", "uid"),
        *("nr", "nummer", "artikelnummer", "dokument_id", "kennung"),
        *("artikelnr", "artnr", "artikel_id", "artikelcode", "produktnummer", "produktnr", "produkt_id", "sku"),
        *("sku_id", "sku_code", "sku_nr", "sku_number", "bestellnummer", "bestellnr"),
        *("code_article", "numero_article", "reference_article"),
        *("codigo_articulo", "referencia_articulo", "codice_articolo"),
    ),
    titles=(
        *TITLE_FIELDS,
        "headline",
        "heading",
        "titel",
        "überschrift",
        "betreff",
        "subject",
        *("product_name", "produktname", "artikelname", "artikelbezeichnung", "bezeichnung"),
        *("titre", "titulo", "titolo", "nom_produit", "nombre_producto", "nome_prodotto", "productnaam"),
    ),
    texts=(
        *TEXT_FIELDS,
        *("page_content", "segment", "paragraph", "chunk", "document", "abstract", "description", "summary"),
        *("product_description", "inhalt", "beschreibung", "produktbeschreibung", "artikelbeschreibung"),
        *("langtext", "volltext", "textkörper", "absatz"),
        *("langbeschreibung", "beschreibungstext", "artikeltext", "produkttext", "kurzbeschreibung", "kurztext"),
        *("long_description", "description_longue", "texte", "contenu", "short_description", "description_courte"),
        *("descripcion", "descripcion_larga", "texto", "contenido", "descripcion_corta"),
        *("descrizione", "descrizione_lunga", "testo", "contenuto", "descrizione_breve"),
        *("omschrijving", "beschrijving", "productomschrijving", "tekst", "inhoud"),
    ),
    by_count={1: ("text",), 2: ("id", "text"), 3: ("id", "title", "text"), 4: ("id", "url", "title", "text")},
    joins_others=True,
)
"""Columns of documents. MS MARCO's files have no header row: id and text, or id, url, title and text."""

QUERIES = Roles(
    ids=("_id", "query_id", "qid", "id", "topic_id", "topic", "number", "num", *ID_FIELDS, "uid", "nr", "nummer"),
    titles=(),
    texts=(
        "text",
        "query",
        "question",
        "query_text",
        "title",
        *TEXT_FIELDS,
        "anfrage",
        "suchanfrage",
        "frage",
        "suchbegriff",
    ),
    by_count={1: ("text",), 2: ("id", "text")},
)
"""Columns of queries."""
