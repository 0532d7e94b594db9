//! What each sign says, and why.
