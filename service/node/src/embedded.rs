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
    start_nodes(in_memory()?, Mode::Design, "embedded", &[], limits)
}

/// The same as another environment, with approvers if it is an authorized one: for trying approvals out.
pub fn start_as(
    mode: Mode,
    environment: &str,
    approvers: &[VerifyingKey],
) -> Result<[Arc<Node>; 3], NodeError> {
    start_on(in_memory()?, mode, environment, approvers)
}

/// The same on stores that may outlive the process.
pub fn start_on(
    stores: [Store; 3],
    mode: Mode,
    environment: &str,
    approvers: &[VerifyingKey],
) -> Result<[Arc<Node>; 3], NodeError> {
    start_nodes(stores, mode, environment, approvers, Limits::default())
}

fn in_memory() -> Result<[Store; 3], NodeError> {
    Ok([Store::in_memory()?, Store::in_memory()?, Store::in_memory()?])
}

fn start_nodes(
    stores: [Store; 3],
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
    let open = |node: u8, store: Store| {
        let config = NodeConfig {
            node,
            mode,
            environment: environment.to_owned(),
            policy: policy.clone(),
            documents: Vec::new(),
            memory_bytes: 8 << 30,
            limits,
            data: None,
        };
        let wire: Arc<dyn Wire> = wires[usize::from(node)].clone();
        Node::open(config, store, |_| Ok(wire))
    };
    let [first, second, third] = stores;
    let nodes = [open(0, first)?, open(1, second)?, open(2, third)?];
    let [first, ..] = &wires;
    first.connect(&[nodes[0].post.clone(), nodes[1].post.clone(), nodes[2].post.clone()]);
    Ok(nodes)
}
