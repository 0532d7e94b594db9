//! Config files to checked settings: every problem found at once, with file, place and hint.
