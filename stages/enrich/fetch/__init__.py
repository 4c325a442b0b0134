"""Pages and pictures from the web: guarded against addresses that are not public, polite to sites, bounded in all.

Nobody else in the program opens a connection to an address that a chat or a page names.
"""

from stages.enrich.fetch.fetcher import Fetcher
from stages.enrich.fetch.records import Fetched, FetchUsage
from stages.enrich.fetch.shared import Shared

__all__ = ["FetchUsage", "Fetched", "Fetcher", "Shared"]
