"""Documents cut into the bodies of `_bulk`: bounded by bytes and by number, one at a time, so memory does not grow with
the number of documents.

Source: Elasticsearch guide, "Bulk API": an action's line, the document's line, each with a newline at its end.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from nephoscope.model.history import Document
from nephoscope.model.time import DAY
from nephoscope.sinks.elasticsearch.indices import index_of

BODY_BYTES = 5_000_000
BODY_DOCUMENTS = 10_000
"""Of one request, before compression. Servers take 100 MB; a body that fails is a body to send again."""

LEAST_BYTES = 64_000
"""A limit of a server that is lower than this is left to halving."""

_GZIP = zlib.MAX_WBITS | 16


class Bodies:
    """What goes into a body, and how large one may be; a server that takes less is remembered."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.most = BODY_BYTES
        self._names: dict[tuple[str, int], str] = {}

    def index(self, document: Document) -> str:
        key = document.kind, document.at // DAY
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = index_of(self.prefix, document.kind, document.at)
        return name

    def cut(self, documents: Iterable[Document]) -> Iterator[list[Document]]:
        """Bodies' worth of documents, in order; a document that is too large by itself stands alone."""
        batch: list[Document] = []
        size = 0
        around = len(self.prefix) + 80  # the line before each, which names index and id
        for document in documents:
            weight = len(document.source) + around
            if batch and (size + weight > self.most or len(batch) >= BODY_DOCUMENTS):
                yield batch
                batch, size = [], 0
            batch.append(document)
            size += weight
        if batch:
            yield batch

    def packed(self, batch: Iterable[Document]) -> tuple[bytes, int]:
        """(gzip, bytes before): level 1 makes a tenth of it already."""
        index = self.index
        lines = [f'{{"create":{{"_index":"{index(each)}","_id":"{each.id}"}}}}\n{each.source}\n' for each in batch]
        text = "".join(lines).encode()
        packing = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        return packing.compress(text) + packing.flush(), len(text)

    def shrink(self, size: int) -> None:
        """The server does not take `size` bytes: no later body is as large."""
        self.most = max(LEAST_BYTES, min(self.most, size // 2))
