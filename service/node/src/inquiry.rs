//! What whoever keeps the books asks: how far approvals are used up, and what stands in the audit log.
//! Neither says anything about a value of a table.

use vdl_authorize::Refusal;
use vdl_command::wire::encode;
use vdl_command::{AskUsed, ErrorAnswer, LONGEST_LOG_PART, LogPart, MOST_ASKED, Mode, Used};

use crate::node::Node;
use crate::refusal::{Remedy, from_refusal, from_store, refuse};

impl Node {
    /// What this server has counted of each approval.
    pub(crate) fn used(&self, asked: &AskUsed) -> Result<Vec<Used>, ErrorAnswer> {
        self.check_keeps_books()?;
        if asked.approvals.len() > MOST_ASKED {
            let message = format!("more than {MOST_ASKED} approvals are asked about at once");
            return Err(refuse("bad_request", message).remedy("ask about fewer at a time"));
        }
        let used = asked.approvals.iter().map(|approval| {
            let runs = self.store.runs_used(*approval).map_err(from_store)?;
            let uses = self.store.uses(*approval).map_err(from_store)?;
            Ok(Used { approval: *approval, runs, uses })
        });
        used.collect()
    }

    /// Whole lines of the audit log from a byte on, and only what is durable: what was shown once is there
    /// after a crash too.
    pub(crate) fn log_part(&self, from: u64) -> Result<Vec<u8>, ErrorAnswer> {
        self.check_keeps_books()?;
        // One byte more in front: it shows whether a line begins where it is said.
        let before = u64::from(from > 0);
        let part = self.store.log_part(from - before, LONGEST_LOG_PART + before).map_err(from_store)?;
        self.store.flush().map_err(from_store)?;
        let lines = match before {
            0 => part.as_slice(),
            _ => part.strip_prefix(b"\n").ok_or_else(not_a_line)?,
        };
        let whole = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines = lines.get(..whole).unwrap_or_default();
        let part = LogPart { next: from + lines.len() as u64 };
        encode(&part, lines).map_err(|error| refuse("internal", error.to_string()))
    }

    /// In design mode nothing is counted and nothing logged.
    fn check_keeps_books(&self) -> Result<(), ErrorAnswer> {
        match self.config.mode {
            Mode::Authorized => Ok(()),
            Mode::Design => Err(from_refusal(&Refusal::DesignMode)),
        }
    }
}

fn not_a_line() -> ErrorAnswer {
    refuse("bad_request", "no line of the audit log begins there")
        .remedy("begin at 0, then go on where the answer before says")
}
