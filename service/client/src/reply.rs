//! Three answers to one command become one reply.

use vdl_command::wire::decode;
use vdl_command::{Answer, Command, JobId, Outcome, TableMeta};

use crate::column::OpenedColumn;
use crate::combine::combine;
use crate::error::ClientError;
use crate::fanout::Servers;

/// What a command gave.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// A table that was made or found.
    Table(TableMeta),
    /// Revealed columns.
    Opened(Vec<OpenedColumn>),
    Removed,
}

/// A table's public description as JSON text.
pub fn describe(meta: &TableMeta) -> Result<String, ClientError> {
    serde_json::to_string(meta).map_err(|error| ClientError::System(error.to_string()))
}

/// Reads the three bodies; they must say the same of this job, and be of the kind the command asks for.
pub(crate) fn read(
    servers: &Servers,
    job: JobId,
    command: &Command,
    bodies: &[Vec<u8>; 3],
) -> Result<Reply, ClientError> {
    let [first, second, third] = bodies;
    let (first, first_shares) = answer(servers, 0, job, first)?;
    let (second, second_shares) = answer(servers, 1, job, second)?;
    let (third, third_shares) = answer(servers, 2, job, third)?;
    if first != second || first != third {
        return Err(ClientError::Disagreement("the result".into()));
    }
    let opens = matches!(command, Command::Open { .. } | Command::Aggregate { .. });
    let removes = matches!(command, Command::Remove { .. });
    match first {
        Outcome::Opened(opened) if opens => {
            Ok(Reply::Opened(combine(&opened, &[first_shares, second_shares, third_shares])?))
        }
        Outcome::Table(meta) if !opens && !removes => Ok(Reply::Table(meta)),
        Outcome::Removed if removes => Ok(Reply::Removed),
        _ => Err(ClientError::Disagreement("what kind of result this command has".into())),
    }
}

fn answer<'a>(
    servers: &Servers,
    node: u8,
    job: JobId,
    body: &'a [u8],
) -> Result<(Outcome, &'a [u8]), ClientError> {
    let (answer, payload): (Answer, _) =
        decode(body).map_err(|error| servers.garbled(node, &error.to_string()))?;
    if answer.job != job {
        return Err(servers.garbled(node, "it belongs to another job"));
    }
    Ok((answer.outcome, payload))
}
