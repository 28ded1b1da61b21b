"""The only SQL of our own: deliveries, records, changes, quarantine, leases and the vault."""
