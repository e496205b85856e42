//! Ranks as threads of one process. (In progress.)
