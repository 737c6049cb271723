//! Who the three servers are, before anything is asked of them.

use vdl_command::wire::decode;
use vdl_command::{Info, Route};

use crate::error::ClientError;
use crate::fanout::Servers;

/// Asks all three. They must be the ones their places say, and agree on mode, environment and version.
pub(crate) fn identify(servers: &Servers) -> Result<Info, ClientError> {
    let answers = servers.call_same(Route::Info, &[])?;
    let mut infos: Vec<Info> = Vec::new();
    for (node, answer) in (0u8..).zip(&answers) {
        let (info, _): (Info, _) =
            decode(answer).map_err(|error| servers.garbled(node, &error.to_string()))?;
        if info.node != node {
            let what =
                format!("which of them is server {node}; the connection file lists them in another order");
            return Err(ClientError::Disagreement(what));
        }
        infos.push(info);
    }
    agree(&infos, "mode", |info| format!("{:?}", info.mode).to_lowercase())?;
    agree(&infos, "environment", |info| info.environment.clone())?;
    agree(&infos, "version", |info| info.version.clone())?;
    infos.pop().ok_or_else(|| ClientError::System("no server answered".into()))
}

fn agree(infos: &[Info], name: &str, of: fn(&Info) -> String) -> Result<(), ClientError> {
    let said: Vec<String> = infos.iter().map(of).collect();
    if said.iter().all(|one| Some(one) == said.first()) {
        return Ok(());
    }
    Err(ClientError::Disagreement(format!("their {name}: {}", said.join(", "))))
}
