//! The whole engine in one process: three nodes over memory wires, in design mode, keeping nothing.
//! For a newcomer's first command; there is no protection here from whoever owns the process.

use std::sync::Arc;

use vdl_authorize::{Policy, VerifyingKey};
use vdl_command::Mode;
use vdl_store::Store;

use crate::error::NodeError;
use crate::net::{Limits, Wire, memory_wires};
use crate::node::{Node, NodeConfig};

/// Starts the three nodes.
pub fn start() -> Result<[Arc<Node>; 3], NodeError> {
    start_with(Limits::default())
}

/// The same with other limits, which tests want short.
pub fn start_with(limits: Limits) -> Result<[Arc<Node>; 3], NodeError> {
    start_nodes(Mode::Design, "embedded", &[], limits)
}

/// The same as another environment, with approvers if it is an authorized one: for trying approvals out.
pub fn start_as(
    mode: Mode,
    environment: &str,
    approvers: &[VerifyingKey],
) -> Result<[Arc<Node>; 3], NodeError> {
    start_nodes(mode, environment, approvers, Limits::default())
}

fn start_nodes(
    mode: Mode,
    environment: &str,
    approvers: &[VerifyingKey],
    limits: Limits,
) -> Result<[Arc<Node>; 3], NodeError> {
    let policy = match mode {
        Mode::Design => None,
        Mode::Authorized => Some(Policy::pinned(approvers, environment)?),
    };
    let wires = memory_wires();
    let open = |node: u8| {
        let config = NodeConfig {
            node,
            mode,
            environment: environment.to_owned(),
            policy: policy.clone(),
            memory_bytes: 8 << 30,
            limits,
        };
        let wire: Arc<dyn Wire> = wires[usize::from(node)].clone();
        Node::open(config, Store::in_memory()?, |_| Ok(wire))
    };
    let nodes = [open(0)?, open(1)?, open(2)?];
    let [first, ..] = &wires;
    first.connect(&[nodes[0].post.clone(), nodes[1].post.clone(), nodes[2].post.clone()]);
    Ok(nodes)
}
