//! End-to-end tests of `comply` on real hosts.
