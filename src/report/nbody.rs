//! What the report of an N-body run says besides the figures of every run.
