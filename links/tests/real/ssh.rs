use engine::link::Step;
use links::connector;

use crate::scripts::{behaves, say};
use crate::server::{Server, fingerprint, nobody, whoami};

#[test]
fn ssh_in_this_process_is_a_link_like_any_other() {
    let server = Server::start();
    let mut link = connector(server.target(), nobody()).connect().unwrap();
    behaves(link.as_mut());
    assert_eq!(link.standing().account, Some(whoami()));
    assert_eq!(link.standing().key, Some(fingerprint(&server.path("id"))));
}
