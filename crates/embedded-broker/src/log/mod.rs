//! The log of one partition: segment files, index, recovery, retention, producer state.
