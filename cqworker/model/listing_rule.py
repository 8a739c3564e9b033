"""Which endings the listing index has, and what it says of them."""

from __future__ import annotations

from msgspec import Struct

from cqworker.field_docs import document_fields
from cqworker.model.listing import Listing
from cqworker.model.record import Failure
from cqworker.model.status import Status


@document_fields(
    listed="The statuses whose jobs are listed.",
    worker="Who ends them here, or nothing.",
    release="The release of the code that runs here, or nothing.",
)
class ListingRule(Struct, frozen=True, kw_only=True):
    """What every writer of final statuses of a process lists, and in whose name."""

    listed: frozenset[Status] = frozenset({Status.FAILED})
    worker: str = ""
    release: str = ""

    def listing_of(self, status: Status, failure: Failure | None = None) -> Listing | None:
        """What a job that ends so has in the index; None where such jobs are not listed."""
        if status not in self.listed:
            return None
        kind, fingerprint = (failure.kind.value, failure.fingerprint or "") if failure else ("", "")
        return Listing(kind=kind, fingerprint=fingerprint, worker=self.worker, release=self.release)
