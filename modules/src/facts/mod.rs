//! What the kinds ask of a host: queries with their decoders.

pub mod accounts;
pub mod clock;
