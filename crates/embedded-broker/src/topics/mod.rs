//! The catalogue of topics: names, ids, partitions, configuration, kept on disk.
