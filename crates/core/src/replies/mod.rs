//! Who replies for an agent: leases, claims, pending reviews, the wake webhook.
