//! What was admitted, on disk: the journal.
