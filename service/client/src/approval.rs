//! Approved files and the runs that rest on them. What is checked here spares a round trip and gives a
//! clear text; the servers decide anyway.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use vdl_authorize::{
    SigningKey, Statement, Unverified, VerifyingKey, find_pattern, is_envelope, read_envelope, sign_close,
    sign_command, sign_start,
};
use vdl_command::wire::{decode, encode, encode_header};
use vdl_command::{
    Authority, Command, Digest, JobId, Mode, Nonce, Route, Script, StartedRun, read_script, write_command,
};

use crate::error::ClientError;
use crate::fanout::Servers;
use crate::keys::Analyst;
use crate::random::random;

/// An approved file that was read.
pub(crate) struct Authorization {
    shown: String,
    envelope: Vec<u8>,
    read: Unverified,
    /// Of an authorization outside scripts: started when it is first used.
    run: Option<Run>,
}

/// A run that has begun on all three servers.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    approval: Digest,
    nonces: [Nonce; 3],
}

/// Starts that not all three servers have answered, by their approvals. Such a start is sent again as it
/// was: a server that counted it finds it, and counts no second run.
#[derive(Default)]
pub(crate) struct Starts(BTreeMap<Digest, Nonce>);

impl Starts {
    /// The start that is under way, or a fresh one.
    fn of(&mut self, approval: Digest) -> Result<Nonce, ClientError> {
        let start = match self.0.get(&approval) {
            Some(start) => *start,
            None => Nonce(random()?),
        };
        self.0.insert(approval, start);
        Ok(start)
    }

    /// All three have answered: the next start is another run.
    fn answered(&mut self, approval: Digest) {
        self.0.remove(&approval);
    }
}

impl Authorization {
    pub(crate) fn read(path: &Path) -> Result<Self, ClientError> {
        let shown = path.display().to_string();
        let envelope = read_file(path)?;
        if !is_envelope(&envelope) && read_script(&envelope).is_ok() {
            return Err(ClientError::authorization(
                format!("{shown} is a script that nobody has approved yet"),
                "have every approver sign it with `vdl approve`, then load the .approved file",
            ));
        }
        let read = read_envelope(&envelope)
            .map_err(|refusal| ClientError::authorization(format!("{shown}: {refusal}"), refusal.remedy()))?;
        Ok(Self { shown, envelope, read, run: None })
    }

    pub(crate) fn script(&self) -> &Script {
        &self.statement().script
    }

    fn statement(&self) -> &Statement {
        &self.read.statement
    }

    /// Before a run of a script.
    pub(crate) fn check_script(&self, environment: &str, analyst: &Analyst) -> Result<(), ClientError> {
        if !self.script().ordered {
            return Err(ClientError::script(
                format!("{} allows commands outside scripts, it is no script to follow", self.shown),
                "load it with crandas.base.session.load_authorization(path)",
            ));
        }
        self.check_terms(environment)?;
        self.check_analyst(analyst)
    }

    /// When it is loaded for use outside scripts.
    pub(crate) fn check_outside_scripts(
        &self,
        environment: &str,
        mode: Mode,
        analyst: Option<&Analyst>,
    ) -> Result<(), ClientError> {
        if self.script().ordered {
            return Err(ClientError::script(
                format!("{} is a script, whose steps are run in order", self.shown),
                "load it with crandas.script.load(path)",
            ));
        }
        if mode == Mode::Authorized {
            self.check_terms(environment)?;
        }
        analyst.map_or(Ok(()), |analyst| self.check_analyst(analyst))
    }

    fn check_terms(&self, environment: &str) -> Result<(), ClientError> {
        let statement = self.statement();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let refused = |why: String, remedy: &str| {
            Err(ClientError::authorization(format!("{}: {why}", self.shown), remedy))
        };
        if self.read.signatures == 0 {
            return refused("no approver has signed this file".into(), "have every approver sign it first");
        }
        if statement.environment != environment {
            let approved = &statement.environment;
            return refused(
                format!("this is approved for the environment \"{approved}\", not for \"{environment}\""),
                "connect to the environment it was approved for, or have it approved for this one",
            );
        }
        if statement.expires.is_some_and(|expires| now > expires) {
            return refused("this approval has expired".into(), "have the script approved again");
        }
        if now < statement.not_before {
            return refused(
                "this approval is not valid yet".into(),
                "wait, or check the clock of this computer",
            );
        }
        Ok(())
    }

    fn check_analyst(&self, analyst: &Analyst) -> Result<(), ClientError> {
        let approved = VerifyingKey::from_base64(&self.statement().analyst).map_err(|error| {
            ClientError::authorization(format!("{}: {error}", self.shown), "have it approved again")
        })?;
        let mine = analyst.key().verifying_key();
        if approved == mine {
            return Ok(());
        }
        Err(ClientError::authorization(
            format!(
                "{} is approved for the analyst with key {}, and the analyst key in use is {} ({})",
                self.shown,
                approved.fingerprint(),
                mine.fingerprint(),
                analyst.path().display()
            ),
            "set crandas.base.session.analyst_key to the approved key, or have the script approved for yours",
        ))
    }

    /// The number of the command in here that `command` matches.
    pub(crate) fn find(&self, command: &Command) -> Option<u32> {
        find_pattern(self.script(), command)
    }

    /// Its run, begun now if it was not.
    pub(crate) fn run(
        &mut self,
        servers: &Servers,
        analyst: &Analyst,
        environment: &str,
        starts: &mut Starts,
    ) -> Result<Run, ClientError> {
        if let Some(run) = self.run {
            return Ok(run);
        }
        self.check_terms(environment)?;
        self.check_analyst(analyst)?;
        let run = Run::start(servers, self, analyst, starts)?;
        self.run = Some(run);
        Ok(run)
    }

    /// The servers do not know the run any more: the next use begins another one.
    pub(crate) fn forget_run(&mut self) {
        self.run = None;
    }
}

impl Run {
    /// Presents the envelope to all three servers. Each verifies it and the analyst's wish to start, journals
    /// the start and then answers.
    pub(crate) fn start(
        servers: &Servers,
        authorization: &Authorization,
        analyst: &Analyst,
        starts: &mut Starts,
    ) -> Result<Self, ClientError> {
        let approval = authorization.read.digest;
        let start = sign_start(analyst.key(), approval, starts.of(approval)?);
        let body = encode(&start, &authorization.envelope)
            .map_err(|error| ClientError::System(error.to_string()))?;
        let answers = servers.call_same(Route::StartRun, &body)?;
        let mut nonces = [Nonce([0; 32]); 3];
        for ((node, answer), nonce) in (0u8..).zip(&answers).zip(&mut nonces) {
            let (started, _): (StartedRun, _) =
                decode(answer).map_err(|error| servers.garbled(node, &error.to_string()))?;
            if started.approval != approval {
                return Err(ClientError::Disagreement("what this file approves".into()));
            }
            *nonce = started.nonce;
        }
        starts.answered(approval);
        Ok(Self { approval, nonces })
    }

    /// The analyst's signature under one attempt at one step.
    pub(crate) fn sign(
        &self,
        analyst: &Analyst,
        step: u32,
        command: &Command,
        job: JobId,
    ) -> Result<Authority, ClientError> {
        let text = write_command(command).map_err(|error| ClientError::Command(error.to_string()))?;
        let key: &SigningKey = analyst.key();
        Ok(sign_command(key, self.approval, self.nonces, step, &text, job))
    }

    pub(crate) fn close(&self, servers: &Servers, analyst: &Analyst) -> Result<(), ClientError> {
        let close = sign_close(analyst.key(), self.approval, self.nonces);
        let body = encode_header(&close).map_err(|error| ClientError::System(error.to_string()))?;
        servers.call_same(Route::CloseRun, &body).map(drop)
    }
}

/// A script to follow in a design environment, approved or not: there nobody needs an approval.
pub(crate) fn read_any_script(path: &Path) -> Result<Script, ClientError> {
    let bytes = read_file(path)?;
    let unreadable = |why: String| {
        ClientError::script(
            format!("{} is no script: {why}", path.display()),
            "load a file that script.save wrote or that was approved; do not edit approved files",
        )
    };
    let script = if is_envelope(&bytes) {
        read_envelope(&bytes).map_err(|refusal| unreadable(refusal.to_string()))?.statement.script
    } else {
        read_script(&bytes).map_err(|error| unreadable(error.to_string()))?
    };
    if !script.ordered {
        return Err(unreadable("it allows commands outside scripts".into()));
    }
    Ok(script)
}

fn read_file(path: &Path) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path).map_err(|error| {
        ClientError::script(
            format!("{} cannot be read: {error}", path.display()),
            "check the path of the script",
        )
    })
}

/// Nothing that is loaded allows the command.
pub(crate) fn none_allows(command: &Command, loaded: usize) -> ClientError {
    let verb = match vdl_command::Tree::of(command) {
        Ok(vdl_command::Tree::Object(entries)) => entries.into_iter().next().map(|(verb, _)| verb),
        _ => None,
    };
    let verb = verb.unwrap_or_else(|| "this command".into());
    let searched = match loaded {
        0 => "no script or authorization is loaded".to_owned(),
        1 => "the one authorization that is loaded does not allow it".to_owned(),
        n => format!("none of the {n} authorizations that are loaded allows it"),
    };
    ClientError::authorization(
        format!("`{verb}` is not approved here: {searched}; nothing was sent"),
        "record the analysis in a design environment, have all approvers sign it, and load it with \
         crandas.script.load(path); for commands outside scripts use \
         crandas.base.session.load_authorization(path)",
    )
}
