"""Everything remembered: the ledger, runs, recorded inputs, incidents, recommendations, the outbox."""
