//! `comply` on real hosts, from the command line to the file on the host.

mod ansible;
mod comply;
