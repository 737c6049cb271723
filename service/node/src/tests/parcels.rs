//! What may be asked in a sealed parcel, which whoever relays it cannot look into.

use vdl_authorize::Revoked;
use vdl_command::wire::encode;
use vdl_command::{AskLog, AskUsed, Digest, ErrorAnswer, Route};
use vdl_seal::seal;

use super::job;
use super::runs::{keys, world};
use super::standing::{publish, revocation, standing};
use crate::agreement::random;
use crate::node::Node;

fn in_a_parcel(node: &Node, route: Route, body: &[u8]) -> (u16, Vec<u8>) {
    let (parcel, answer) = seal(&node.sealing.public(), route.path(), body, random().unwrap()).unwrap();
    answer.open(&node.answer(Route::Sealed, &parcel).unwrap()).unwrap()
}

fn code(body: &[u8]) -> String {
    serde_json::from_slice::<ErrorAnswer>(body).unwrap().code
}

#[test]
fn behind_a_relay_nobody_reads_the_books_or_publishes_and_runs_go_on() {
    let (world, revokes) = (world(), Revoked::Approval(Digest([9; 32])));
    let revoked = revocation(revokes, &keys().approvers[0]);
    let asked = |route: Route| match route {
        Route::Publish => revoked.clone(),
        Route::Runs => encode(&AskUsed { approvals: vec![] }, &[]).unwrap(),
        Route::Audit => encode(&AskLog { from: 0 }, &[]).unwrap(),
        Route::Cancel | Route::Progress => encode(&job(), &[]).unwrap(),
        _ => Vec::new(),
    };
    for node in &world.nodes {
        for route in Route::ALL {
            let (status, body) = in_a_parcel(node, route, &asked(route));
            match route {
                Route::Info | Route::Cancel | Route::Progress => assert_eq!(status, 200, "{route:?}"),
                // They come as far as anywhere: there is nothing in them.
                Route::Command | Route::StartRun | Route::CloseRun => assert_eq!(code(&body), "bad_request"),
                Route::Policy | Route::Publish | Route::Runs | Route::Audit | Route::Sealed => {
                    assert_eq!((status, code(&body).as_str()), (404, "no_such_route"), "{route:?}");
                }
            }
        }
        assert_eq!(standing(node).revocations, 0);
        // Whoever has an access token asks the same in the clear.
        for route in [Route::Policy, Route::Runs, Route::Audit] {
            assert!(node.answer(route, &asked(route)).is_ok(), "{route:?}");
        }
    }
    assert!(publish(&world.nodes[0], &revoked).is_ok());
}
