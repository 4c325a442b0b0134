"""Archives and exports in an object store (``s3://``): checked out, worked on, and put back as a whole.

An archive there is a pointer to a manifest, which names the bytes of every file by their SHA-256:

    PREFIX/site/…                  the published site as plain files, for a web server
    PREFIX/.archive/current        the pointer; replacing it, conditionally, is the moment of every change
    PREFIX/.archive/manifests/…    a manifest for each version of the archive
    PREFIX/.archive/objects/…      parts of files, by their SHA-256
    PREFIX/.archive/lease          who works on it
    PREFIX/.archive/site           which site stands under ``site/``

Importing this costs next to nothing; the client library is loaded by the first call to a store.
"""

from stages.archive.storage.address import Address, is_remote, local_path, parse_address

__all__ = ["Address", "is_remote", "local_path", "parse_address"]
