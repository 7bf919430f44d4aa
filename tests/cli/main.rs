//! The command as a user meets it, without any host but this machine.

mod formats;
mod interruption;
mod manual;
mod question;
mod repository;
mod sandbox;
mod selection;
mod usage;
