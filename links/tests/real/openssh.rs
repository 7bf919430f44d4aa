use engine::link::Step;
use links::{Connection, connector};

use crate::scripts::{behaves, say};
use crate::server::{Server, nobody, target, whoami};

fn over(server: &Server) -> links::Target {
    target(Connection::OpenSsh(server.ssh_target()))
}

#[test]
fn the_program_ssh_is_a_link_like_any_other() {
    let server = Server::start();
    let mut link = connector(over(&server), nobody()).connect().unwrap();
    behaves(link.as_mut());
    assert_eq!(link.standing().account, Some(whoami()));
}
