//! What may run here: the gate of `vdl_authorize`, its runs, and the journal they are written to.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use vdl_authorize::audit::{Event, MOST_LISTED, job_digest, tables_digest};
use vdl_authorize::{Approval, Authorized, Refusal, Resolution, Run, RunState, command_digest, run_id};
use vdl_command::{
    Authority, CloseRun, Command, Digest, ErrorAnswer, Handle, JobId, Mode, Nonce, Request, Slot, StartRun,
    StartedRun, TableRef, holes,
};
use vdl_store::{RunKey, Started, Store};

use crate::agreement::random;
use crate::error::NodeError;
use crate::job::writes;
use crate::node::NodeConfig;
use crate::refusal::{Remedy, from_refusal, from_store, refuse};
use crate::refused::{Asked, Refused};
use crate::rules::{Draft, Held, Rules};
use crate::witness::Ledger;

/// The gate and the runs that have passed it.
pub(crate) struct Authorities {
    node: usize,
    pub rules: Rules,
    runs: Mutex<HashMap<RunKey, Known>>,
    pub ledger: Ledger,
    refused: Refused,
}

/// An approval whose run may start, under the rules of that generation.
pub(crate) struct Checked {
    pub approval: Approval,
    generation: u64,
}

/// A run, and the tables its steps have made.
struct Known {
    run: Run,
    /// Of the rules under which its approval was verified.
    generation: u64,
    outputs: BTreeMap<u32, Handle>,
}

/// What the journal holds of a run; the approval, as it came, the attempts and the tables lie beside it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    state: RunState,
}

/// A command that may run now, its references to earlier steps resolved.
pub(crate) struct Admitted {
    pub command: Authorized<Command>,
    /// The tables that its inputs mean, where they are references to steps.
    pub steps: BTreeMap<u32, Handle>,
    /// Under which authority, so that the three nodes can compare it.
    pub digest: Digest,
    /// Whether the journal must be durable before anybody learns what came of it.
    pub matters: bool,
    place: Option<(RunKey, u32, JobId)>,
    approval: Option<Arc<Approval>>,
}

impl Authorities {
    pub fn new(config: &NodeConfig, store: &Store) -> Result<Self, NodeError> {
        let found = Draft::found(config, store)?;
        let ledger = Ledger::open(config, store)?;
        let rules = Rules::new(found, store, &ledger)?;
        Ok(Self {
            node: usize::from(config.node),
            rules,
            runs: Mutex::default(),
            ledger,
            refused: Refused::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunKey, Known>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a run may start, as far as its approval and the wish of its analyst say.
    pub fn check_start(&self, start: &StartRun, envelope: &[u8], now: i64) -> Result<Checked, ErrorAnswer> {
        let held = self.rules.now();
        let approval = held.gate.check_start(start, envelope, now).map_err(|refusal| from_refusal(&refusal));
        Ok(Checked { approval: approval?, generation: held.generation })
    }

    /// Starts a run, or finds that this start was counted before. It is journalled as used before anybody
    /// learns its nonce.
    pub fn start_run(
        &self,
        store: &Store,
        start: &StartRun,
        checked: Checked,
        envelope: &[u8],
        now: i64,
    ) -> Result<StartedRun, ErrorAnswer> {
        let Checked { approval, generation } = match checked.generation == self.rules.now().generation {
            true => checked,
            false => self.check_start(start, envelope, now)?,
        };
        let key = RunKey { approval: approval.digest(), nonce: Nonce(random()?) };
        let run = Run::start(approval, self.node, key.nonce);
        let known = Known { run, generation, outputs: BTreeMap::new() };
        let state = record(&known.run)?;
        let approval = known.run.approval().clone();
        let limit = approval.statement().max_runs;
        let answer =
            |started: Started| StartedRun { approval: key.approval, nonce: started.nonce, run: started.run };
        let mut runs = self.lock();
        if let Some(started) = store.started(key.approval, start.start).map_err(from_store)? {
            return Ok(answer(started));
        }
        let used = store.runs_used(key.approval).map_err(from_store)?;
        let asked = Asked { approval: key.approval, id: start.start.0 };
        approval.check_runs(used).map_err(|refusal| self.refused(store, asked, &refusal))?;
        self.ledger.note(store, run_event(&approval, start.start, key.nonce, used + 1)?)?;
        let started = store.start_run(key, start.start, limit, envelope, &state).map_err(from_store)?;
        runs.insert(key, known);
        Ok(answer(started))
    }

    /// Whether an approval goes on: a name that moved may have ended it, or all its uses are used up. `id` is
    /// that of the start or the job which asks.
    pub fn check_goes_on(&self, store: &Store, approval: &Approval, id: [u8; 32]) -> Result<(), ErrorAnswer> {
        let digest = approval.digest();
        let refusal = match (store.ended(digest).map_err(from_store)?, approval.statement().max_uses) {
            (Some(name), _) => Err(Refusal::Void { name }),
            (None, None) => Ok(()),
            (None, Some(_)) => approval.check_uses(store.uses(digest).map_err(from_store)?),
        };
        refusal.map_err(|refusal| self.refused(store, Asked { approval: digest, id }, &refusal))
    }

    /// Whether a command that was let in may begin, now that its turn has come. While it waited its approval
    /// may have been revoked or have ended, its run may be closed, and the policy may be another one.
    pub fn check_turn(&self, store: &Store, admitted: &Admitted, now: i64) -> Result<(), ErrorAnswer> {
        let Some((key, _, job)) = admitted.place else { return Ok(()) };
        let held = self.rules.now();
        let renewed = {
            let mut runs = self.lock();
            // Closed runs are forgotten, until somebody asks for something in them.
            let known = runs.get_mut(&key).ok_or_else(|| from_refusal(&Refusal::Closed))?;
            known.run.check_open().map_err(|refusal| from_refusal(&refusal))?;
            known.renewed(&held, store, key, now)?.run.approval().clone()
        };
        let holds = held.gate.check_holds(&renewed, now);
        let asked = Asked { approval: key.approval, id: job.0 };
        holds.map_err(|refusal| self.refused(store, asked, &refusal))?;
        self.check_goes_on(store, &renewed, job.0)
    }

    /// The answer to what the analyst signed and may not do; it is logged once. What nobody signed is not,
    /// nor what was let in before: neither strangers nor whoever holds a recording must make the log grow.
    fn refused(&self, store: &Store, asked: Asked, refusal: &Refusal) -> ErrorAnswer {
        use Refusal::{Closed, NotTheAnalyst, OtherApproval, OtherRun, Replayed};
        let answer = from_refusal(refusal);
        if matches!(refusal, NotTheAnalyst { .. } | OtherApproval | OtherRun | Closed | Replayed) {
            return answer;
        }
        let event = Event::Refused { approval: asked.approval, code: answer.code.clone() };
        let noted = self.refused.once(asked, &answer.code, || self.ledger.note(store, event));
        noted.err().unwrap_or(answer)
    }

    /// Decides about a command. What was decided is in the journal when this returns; if it matters, it
    /// must be durable before anybody learns what came of it.
    pub fn admit(&self, store: &Store, request: &Request, now: i64) -> Result<Admitted, ErrorAnswer> {
        let refused = |refusal: Refusal| from_refusal(&refusal);
        let authority = match &request.authority {
            Some(authority) if self.rules.now().gate.mode() == Mode::Authorized => authority,
            _ => {
                let command = self.rules.now().gate.admit_unapproved(&request.command).map_err(refused)?;
                return Ok(Admitted {
                    command,
                    steps: BTreeMap::new(),
                    digest: Digest([0; 32]),
                    matters: false,
                    place: None,
                    approval: None,
                });
            }
        };
        let key =
            self.key(authority.approval, &authority.nonces).ok_or_else(|| refused(Refusal::OtherRun))?;
        let mut runs = self.lock();
        let held = self.rules.now();
        let known = self.find(&mut runs, &held, store, key, now)?;
        let asked = Asked { approval: key.approval, id: request.job.0 };
        let admitted = known
            .run
            .check_step(&held.gate, authority, request.job, &request.command, now)
            .map_err(|refusal| self.refused(store, asked, &refusal))?;
        self.check_goes_on(store, admitted.run.approval(), request.job.0)?;
        let steps = references(admitted.command.get(), &known.outputs)?;
        self.ledger.note(store, step_event(request, authority, key.nonce, admitted.command.get(), &steps))?;
        let matters = matters(admitted.command.get(), &known.run, authority.step);
        store.keep_run(key, &record(&admitted.run)?, &[request.job], &[]).map_err(from_store)?;
        known.run = admitted.run;
        Ok(Admitted {
            command: admitted.command,
            steps,
            digest: authority_digest(authority),
            matters,
            place: Some((key, authority.step, request.job)),
            approval: Some(known.run.approval().clone()),
        })
    }

    /// Notes how an admitted command ended: with the table it made, if any, or the code of an error.
    /// Durable if it changed what is stored: that is not done twice. The rest may be done again.
    pub fn done(
        &self,
        store: &Store,
        admitted: &Admitted,
        ended: Result<Option<Handle>, &str>,
    ) -> Result<(), ErrorAnswer> {
        let Some((key, step, job)) = admitted.place else { return Ok(()) };
        let command = admitted.command.get();
        let (outcome, table) = (outcome(command, ended), ended.ok().flatten());
        let event = Event::Done { job: job_digest(job), outcome, table };
        let noted = self.ledger.note(store, event);
        let kept = self.keep_end(store, key, step, job, ended.ok());
        noted.and(kept)?;
        match writes(command) && ended.is_ok() {
            true => store.flush().map_err(from_store),
            false => Ok(()),
        }
    }

    /// A job is over, whatever the journal does: a failure there must not leave the run busy.
    fn keep_end(
        &self,
        store: &Store,
        key: RunKey,
        step: u32,
        job: JobId,
        made: Option<Option<Handle>>,
    ) -> Result<(), ErrorAnswer> {
        let mut runs = self.lock();
        let Some(known) = runs.get_mut(&key) else { return Ok(()) };
        let Some(table) = made else {
            // The journal knows of the attempt; that it failed changes nothing there.
            known.run = known.run.failed(job);
            return Ok(());
        };
        known.run = known.run.succeeded(job);
        let made: Vec<(u32, Handle)> = table.into_iter().map(|handle| (step, handle)).collect();
        known.outputs.extend(made.iter().copied());
        store.keep_run(key, &record(&known.run)?, &[], &made).map_err(from_store)
    }

    /// Which table a name stands for now: the approval must allow it, and the log says it. Where the name has
    /// left the table that it stood for at its first use, the approval ends here for good: whoever moves it
    /// could compare what comes out. Without an approval a name may mean any table.
    pub fn resolved(
        &self,
        store: &Store,
        admitted: &Admitted,
        name: &str,
        table: Handle,
    ) -> Result<(), ErrorAnswer> {
        let (Some((key, _, job)), Some(approval)) = (admitted.place, &admitted.approval) else {
            return Ok(());
        };
        let fixed = store.fixed(approval.digest(), name).map_err(from_store)?;
        if let Err(refusal) = approval.check_resolved(name, table, fixed) {
            if fixed.is_some() {
                let void = Event::Void { approval: approval.digest(), name: name.to_owned() };
                self.ledger.note(store, void)?;
                store.end(approval.digest(), name).map_err(from_store)?;
            }
            let asked = Asked { approval: key.approval, id: job.0 };
            return Err(self.refused(store, asked, &refusal));
        }
        let event = Event::Resolved { approval: approval.digest(), name: name.to_owned(), table };
        self.ledger.note(store, event)
    }

    /// What a command fixes of its approval: the tables that its names stand for from now on, and one more
    /// use. Durable when it returns; comes when all three agree, and before anything is opened or changed. So
    /// no two fix different tables, and what did not begin on all of them uses up nothing. A server that
    /// crashes before this has fixed less than the others: what they counted stops the rest.
    pub fn fix(&self, store: &Store, admitted: &Admitted, tables: &[Handle]) -> Result<(), ErrorAnswer> {
        let Some(approval) = &admitted.approval else { return Ok(()) };
        let (digest, limit) = (approval.digest(), approval.statement().max_uses);
        let mut first = Vec::new();
        for (input, table) in admitted.command.get().inputs().into_iter().zip(tables) {
            let TableRef::Name(Slot::Value(name)) = input else { continue };
            let fixed = store.fixed(digest, name).map_err(from_store)?;
            let resolution = approval.check_resolved(name, *table, fixed);
            match resolution.map_err(|refusal| from_refusal(&refusal))? {
                Resolution::First => first.push((name.as_str(), *table)),
                Resolution::Known => {}
            }
        }
        if first.is_empty() && limit.is_none() {
            return Ok(());
        }
        store.fix(digest, &first, limit).map_err(from_store)
    }

    /// Ends a run. It stays in the journal, closed.
    pub fn close_run(&self, store: &Store, close: &CloseRun, now: i64) -> Result<(), ErrorAnswer> {
        let other = || from_refusal(&Refusal::OtherRun);
        let key = self.key(close.approval, &close.nonces).ok_or_else(other)?;
        let mut runs = self.lock();
        let known = self.find(&mut runs, &self.rules.now(), store, key, now)?;
        let closed = known.run.check_close(close).map_err(|refusal| from_refusal(&refusal))?;
        self.ledger.note(store, Event::Closed { approval: key.approval, nonce: key.nonce })?;
        store.keep_run(key, &record(&closed)?, &[], &[]).map_err(from_store)?;
        runs.remove(&key);
        drop(runs);
        store.flush().map_err(from_store)
    }

    fn key(&self, approval: Digest, nonces: &[Nonce; 3]) -> Option<RunKey> {
        nonces.get(self.node).map(|nonce| RunKey { approval, nonce: *nonce })
    }

    /// A run from memory, or taken up again from the journal after a restart. Its approval is verified
    /// anew then, and when the rules are others than they were.
    fn find<'a>(
        &self,
        runs: &'a mut HashMap<RunKey, Known>,
        held: &Held,
        store: &Store,
        key: RunKey,
        now: i64,
    ) -> Result<&'a mut Known, ErrorAnswer> {
        let vacant = match runs.entry(key) {
            Entry::Occupied(known) => return known.into_mut().renewed(held, store, key, now),
            Entry::Vacant(vacant) => vacant,
        };
        let other = || from_refusal(&Refusal::OtherRun);
        let kept = store.run(key).map_err(from_store)?.ok_or_else(other)?;
        let Record { state } = serde_json::from_slice(&kept.state)
            .map_err(|_| refuse("storage_failed", "the journal of this run cannot be read"))?;
        let approval = held.gate.check_envelope(&kept.envelope, now).map_err(|r| from_refusal(&r))?;
        let run = Run::restore(approval, state, kept.jobs);
        Ok(vacant.insert(Known { run, generation: held.generation, outputs: kept.outputs }))
    }
}

impl Known {
    /// The same under the rules as they are now. An approval that holds no longer stays as it is: the gate
    /// refuses it at each step.
    fn renewed(
        &mut self,
        held: &Held,
        store: &Store,
        key: RunKey,
        now: i64,
    ) -> Result<&mut Self, ErrorAnswer> {
        if self.generation != held.generation
            && let Some(kept) = store.run(key).map_err(from_store)?
            && let Ok(approval) = held.gate.check_envelope(&kept.envelope, now)
        {
            self.run = self.run.renewed(approval);
            self.generation = held.generation;
        }
        Ok(self)
    }
}

impl Admitted {
    /// The table an input means, if it is a reference to a step.
    pub fn step(&self, step: u32) -> Option<Handle> {
        self.steps.get(&step).copied()
    }

    /// Whether it may fix something of its approval. All three say the same, whatever each of them remembers.
    pub fn fixes(&self) -> bool {
        let by_name = || self.command.get().inputs().iter().any(|input| matches!(input, TableRef::Name(_)));
        self.counted().is_some() || (self.approval.is_some() && by_name())
    }

    /// The approval, if its uses are counted. Its commands then come one after another, in the order that
    /// server 0 gives them, so that the same ones get the last uses on all three.
    pub fn counted(&self) -> Option<Digest> {
        let approval = self.approval.as_ref()?;
        approval.statement().max_uses.map(|_| approval.digest())
    }
}

fn run_event(approval: &Approval, start: Nonce, nonce: Nonce, run: u64) -> Result<Event, ErrorAnswer> {
    let statement = approval.statement();
    let analyst = approval.analyst().to_base64();
    Ok(Event::Run {
        approval: approval.digest(),
        analyst: analyst.map_err(|error| refuse("internal", error.to_string()))?,
        script: statement.script.name.clone(),
        purpose: statement.purpose.clone(),
        start,
        nonce,
        run,
    })
}

fn step_event(
    request: &Request,
    authority: &Authority,
    nonce: Nonce,
    command: &Command,
    steps: &BTreeMap<u32, Handle>,
) -> Event {
    let table = |input: &TableRef| match input {
        TableRef::Handle(handle) => handle.value().copied(),
        TableRef::Step(step) => steps.get(step).copied(),
        // Known when its turn has come, and logged then.
        TableRef::Name(_) => None,
    };
    let mut tables: Vec<Handle> = command.inputs().into_iter().filter_map(table).collect();
    let all_tables = (tables.len() > MOST_LISTED).then(|| tables_digest(&tables));
    tables.truncate(MOST_LISTED);
    Event::Step {
        approval: authority.approval,
        nonce,
        step: authority.step,
        job: job_digest(request.job),
        command: command_digest(&request.command),
        tables,
        all_tables,
    }
}

/// How a command ended, in a word of the log.
fn outcome(command: &Command, ended: Result<Option<Handle>, &str>) -> String {
    let word = match ended {
        Err(code) => code,
        Ok(Some(_)) => "table",
        Ok(None) if matches!(command, Command::Remove { .. }) => "removed",
        Ok(None) => "opened",
    };
    word.to_owned()
}

fn record(run: &Run) -> Result<Vec<u8>, ErrorAnswer> {
    serde_json::to_vec(&Record { state: run.state().clone() })
        .map_err(|error| refuse("internal", error.to_string()))
}

/// The steps that a command refers to, and what they made.
fn references(
    command: &Command,
    outputs: &BTreeMap<u32, Handle>,
) -> Result<BTreeMap<u32, Handle>, ErrorAnswer> {
    let steps = command.inputs().into_iter().filter_map(|input| match input {
        TableRef::Step(step) => Some(*step),
        _ => None,
    });
    steps
        .map(|step| match outputs.get(&step) {
            Some(handle) => Ok((step, *handle)),
            None => Err(refuse("unknown_step", format!("step {} of this run has made no table", step + 1))
                .remedy("run the steps from top to bottom")),
        })
        .collect()
}

/// Whether a command opens or changes something, or fixes what a hole or a name stands for. What else it
/// does, it does again if a crash takes its record away.
fn matters(command: &Command, run: &Run, step: u32) -> bool {
    let script = &run.approval().statement().script;
    let free = script.steps.get(step as usize).is_none_or(|step| !holes(&step.command).is_empty());
    let by_name = command.inputs().iter().any(|input| matches!(input, TableRef::Name(_)));
    match command {
        Command::Get { .. }
        | Command::Project { .. }
        | Command::Assign { .. }
        | Command::Concat { .. }
        | Command::Sort { .. } => !script.ordered || free || by_name,
        Command::Upload { .. }
        | Command::Filter { .. }
        | Command::Merge { .. }
        | Command::Aggregate { .. }
        | Command::GroupBy { .. }
        | Command::Open { .. }
        | Command::Save { .. }
        | Command::Remove { .. } => true,
    }
}

fn authority_digest(authority: &Authority) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("vdl authority 1");
    hasher.update(&authority.approval.0);
    hasher.update(&run_id(&authority.nonces).0);
    hasher.update(&authority.step.to_le_bytes());
    Digest(*hasher.finalize().as_bytes())
}
