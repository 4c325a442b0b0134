"""PDFs of strangers, opened within bounds, and the title that they state of themselves."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Final

from stages.enrich.properties import TITLE, text_of
from stages.enrich.titles import own_title

_UNPACKED: Final = 8_000_000
"""Most bytes that one stream may unpack to."""
_PACKET: Final = 4 << 20
"""Most bytes that are looked at of the XML about the document."""
_STATED: Final = 2_000
"""Most characters that are looked at of a title."""


@contextmanager
def opened_pdf(file: BinaryIO, size: int) -> Iterator[Any]:
    """A reader of pypdf for a file of ``size`` bytes, open for whoever has no password; the bounds hold within.

    Raises whatever its readers stumble on, and ``PermissionError`` where the file is locked. Memory: a stream of 8 MB
    at a time beside what is read of the file. Time is not bounded for a file that was made to be slow. Nothing is
    logged.
    """
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # its warnings quote the file
    with pypdf.apply_configuration(
        array_maximum_element_count=20_000,
        maximum_declared_stream_length=size + 1,
        array_based_stream_maximum_output_length=_UNPACKED,
        zlib_maximum_output_length=_UNPACKED,
        zlib_maximum_recovery_input_length=1 << 20,
        lzw_maximum_output_length=_UNPACKED,
        run_length_maximum_output_length=_UNPACKED,
        brotli_maximum_output_length=_UNPACKED,
        stream_filters_maximum_length=4,
        stream_decoding_work_maximum_length=3 * _UNPACKED,
        stream_parsing_work_maximum_count=200_000,
        xform_maximum_invocations_per_extraction=50,
        jbig2dec_binary=None,  # no program is run
    ):
        reader = pypdf.PdfReader(file, root_object_recovery_limit=1_000, xref_stream_maximum_entries=200_000)
        if reader.is_encrypted and not reader.decrypt(""):
            raise PermissionError
        yield reader


def stated_title(reader: Any, limit: int) -> str | None:
    """The title that people gave the document, by its information or else its XML; see :func:`own_title`.

    Never raises for what the file holds.
    """
    for read in (_of_information, _of_packet):
        with suppress(Exception):
            stated = read(reader)
            if isinstance(stated, str) and (title := own_title(stated[:_STATED], limit)):
                return title
    return None


def _of_information(reader: Any) -> Any:
    information = reader.metadata
    return None if information is None else information.title


def _of_packet(reader: Any) -> str | None:
    packet = reader.root_object.get("/Metadata")
    return None if packet is None else text_of(packet.get_object().get_data()[:_PACKET], TITLE)
