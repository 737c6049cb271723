//! One command on one node: wait for its turn, agree, compute, keep, answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vdl_command::wire::encode;
use vdl_command::{
    Answer, ColumnMeta, Command, Digest, ErrorAnswer, Handle, Opened, Outcome, Request, TableMeta, TableRef,
    TableRules,
};
use vdl_plan::{Input, Operation, Plan, plan};
use vdl_protocol::{PairKeys, Party, ProtocolError};
use vdl_share::{TableShares, UploadColumn, UploadLayout, UploadShares, opened_answer, read_upload};
use vdl_table::TableError;
use vdl_transport::{Frame, Lane, Peer};

use crate::agreement::{Agreement, Intention, agree};
use crate::authority::Admitted;
use crate::held::Held;
use crate::net::{End, Mailbox, NodeLane, PEERS, Wire, control, node_of, peer_of, step};
use crate::node::{Node, now};
use crate::refusal::{
    Remedy, from_end, from_plan, from_store, from_transport, refuse, request_missing, unreachable,
};

/// Lanes of a job: the nodes' own words, and the protocols'.
const OWN_LANE: u16 = 0;
const PROTOCOL_LANE: u16 = 1;

/// A job that may run here.
pub(crate) struct Job<'a> {
    pub node: &'a Node,
    pub wire: Arc<dyn Wire>,
    pub mailbox: Arc<Mailbox>,
    pub request: &'a Request,
    pub payload: &'a [u8],
    pub admitted: &'a Admitted,
}

/// The bytes for the client, and the table that the run may refer to from now on.
type Done = (Vec<u8>, Option<Handle>);

impl Job<'_> {
    pub fn run(&self) -> Result<Done, ErrorAnswer> {
        let result = self.try_run();
        let Err(answer) = result else { return result };
        // Who fell silent may only be a victim: give whoever knows better a moment to say so.
        if answer.code == "peer_silent" {
            self.mailbox.wait_until_ended(Duration::from_millis(500));
        }
        match self.mailbox.ended() {
            Some(end) if from_outside(&answer) => Err(from_end(self.me(), &end)),
            _ => Err(answer),
        }
    }

    fn try_run(&self) -> Result<Done, ErrorAnswer> {
        // While a table is between prepared and live, nobody may conclude that it never was.
        let _writing = writes(self.command()).then(|| self.node.settling.writing());
        self.wait_for_turn()?;
        let handles = self.inputs()?;
        match self.command() {
            Command::Get { .. } | Command::Remove { .. } => self.describe(&handles),
            _ => self.work(&handles),
        }
    }

    fn me(&self) -> u8 {
        self.node.config.node
    }

    fn command(&self) -> &Command {
        self.admitted.command.get()
    }

    /// Node 0 begins a job once all three have it; the others begin when node 0 says so.
    fn wait_for_turn(&self) -> Result<(), ErrorAnswer> {
        let limits = &self.node.config.limits;
        let (me, job) = (self.me(), self.request.job);
        self.wire.wait_until_up(limits.connect).map_err(|peer| unreachable(node_of(me, peer)))?;
        let ended =
            |end: Option<End>, otherwise: ErrorAnswer| end.map_or(otherwise, |end| from_end(me, &end));
        match peer_of(me, 0) {
            None => {
                let patience = limits.arrival + self.upload_time();
                self.mailbox.wait_until_both_ready(patience).map_err(|end| {
                    let missing = self.mailbox.not_ready().first().map_or(me, |peer| node_of(me, *peer));
                    ended(end, request_missing(missing, patience))
                })?;
                self.node.post.order.enter(self.mailbox.clone());
            }
            Some(leader) => {
                let ready: Frame = control(job, step::READY, vec![]);
                self.wire.send(leader, ready).map_err(|error| from_transport(me, &error))?;
            }
        }
        let busy = refuse("busy", format!("the job's turn did not come within {:?}", limits.queue))
            .remedy("try again later; check that all three servers were sent the request");
        let patience = limits.queue + limits.arrival + self.upload_time();
        self.mailbox.wait_until_begun(patience).map_err(|end| ended(end, busy))
    }

    /// An upload reaches the other nodes later than this one, whose part may be a mere seed.
    fn upload_time(&self) -> Duration {
        match (self.command(), self.request.rows) {
            (Command::Upload { columns, .. }, Some(rows)) => {
                let bits: u64 = columns
                    .value()
                    .map_or(0, |columns| columns.iter().map(|c| u64::from(c.ctype.width()) + 1).sum());
                // A megabyte per second is a slow line.
                Duration::from_millis(bits.saturating_mul(rows) / 8 / 1000).min(Duration::from_secs(6 * 3600))
            }
            _ => Duration::ZERO,
        }
    }

    /// The tables that the command takes, once it is its turn: what the approval says of them, and whether it
    /// still holds, may have changed while it waited.
    fn inputs(&self) -> Result<Vec<Handle>, ErrorAnswer> {
        self.node.authorities.check_turn(&self.node.store, self.admitted, now())?;
        let find = |input: &&TableRef| match input {
            TableRef::Handle(handle) => handle
                .value()
                .copied()
                .ok_or_else(|| refuse("open_hole", format!("the hole {handle} was not filled in"))),
            TableRef::Name(name) => {
                let name = name
                    .value()
                    .ok_or_else(|| refuse("open_hole", format!("the hole {name} was not filled in")))?;
                let found = self.node.store.named(name).map_err(from_store)?;
                let table = found.ok_or_else(|| {
                    refuse("unknown_table", format!("no table goes by the name `{name}`"))
                        .remedy("check the name, or use the table's handle")
                })?;
                self.node.authorities.resolved(&self.node.store, self.admitted, name, table)?;
                Ok(table)
            }
            TableRef::Step(step) => self.admitted.step(*step).ok_or_else(|| {
                refuse("unknown_step", format!("step {} is not part of a run", step.saturating_add(1)))
                    .remedy("use the table's handle outside of scripts")
            }),
        };
        self.command().inputs().iter().map(find).collect()
    }

    fn own_lane(&self) -> NodeLane {
        self.lane(OWN_LANE)
    }

    fn lane(&self, lane: u16) -> NodeLane {
        NodeLane::new(self.wire.clone(), self.mailbox.clone(), lane, self.node.config.limits.round)
    }

    /// A digest of all that the three nodes must agree upon.
    fn intention(&self, plan: &Plan, handles: &[Handle]) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("vdl intention 1");
        hasher.update(&self.admitted.digest.0);
        hasher.update(self.node.config.environment.as_bytes());
        hasher.update(blake3::hash(self.request.command.as_bytes()).as_bytes());
        hasher.update(&self.request.rows.unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(&plan.digest().0);
        for handle in handles {
            hasher.update(&handle.0);
        }
        Digest(*hasher.finalize().as_bytes())
    }

    /// Fixes what the command fixes of its approval, once both peers have found nothing wrong either: what one
    /// of them stops uses up nothing.
    fn fix(&self, handles: &[Handle], lane: &mut NodeLane) -> Result<(), ErrorAnswer> {
        if self.admitted.fixes() {
            let failed = |error| from_transport(self.me(), &error);
            PEERS.into_iter().try_for_each(|peer| lane.send(peer, "agreed", vec![])).map_err(failed)?;
            let heard = PEERS.into_iter().try_for_each(|peer| lane.receive(peer, "agreed", 0).map(drop));
            heard.map_err(failed)?;
        }
        self.node.authorities.fix(&self.node.store, self.admitted, handles)
    }

    /// Commands that need a table's description only.
    fn describe(&self, handles: &[Handle]) -> Result<Done, ErrorAnswer> {
        let Some(handle) = handles.first().copied() else { return Err(refuse("internal", "no table")) };
        let meta = self.node.shelf.describe(handle, &self.node.store)?;
        let plan = plan(self.command(), &[input(&meta)]).map_err(|error| from_plan(&error))?;
        let intention = Intention {
            digest: self.intention(&plan, handles),
            components: [[0; 32]; 2],
            lanes: self.node.config.limits.lanes,
            round_trip: self.wire.round_trip(),
        };
        let mut lane = self.own_lane();
        agree(self.me(), self.request.job, &mut lane, &intention, &mut [])?;
        self.fix(handles, &mut lane)?;
        if plan.operation == Operation::Remove {
            self.remove(handle, &mut lane)?;
            return self.reply(Outcome::Removed, &[], None);
        }
        self.reply(Outcome::Table(meta), &[], Some(handle))
    }

    /// Commands that read or make shares.
    fn work(&self, handles: &[Handle]) -> Result<Done, ErrorAnswer> {
        let mut unique = handles.to_vec();
        unique.sort();
        unique.dedup();
        let shelf = &self.node.shelf;
        let tables = unique
            .iter()
            .map(|handle| shelf.get(*handle, &self.node.store))
            .collect::<Result<Vec<_>, _>>()?;
        let mut held: Vec<_> = tables.iter().map(lock).collect();
        let result = self.work_on(handles, &unique, &mut held);
        for held in &mut held {
            held.note_new(self.request.job);
            shelf.recount(held.meta.handle, held.bytes(), false);
        }
        result
    }

    fn work_on(
        &self,
        handles: &[Handle],
        unique: &[Handle],
        held: &mut [MutexGuard<'_, Held>],
    ) -> Result<Done, ErrorAnswer> {
        let places = handles.iter().filter_map(|handle| unique.binary_search(handle).ok());
        let places: Vec<usize> = places.collect();
        let inputs = places.iter().filter_map(|place| held.get(*place)).map(|held| input(&held.meta));
        let plan = plan(self.command(), &inputs.collect::<Vec<_>>()).map_err(|error| from_plan(&error))?;
        let upload = self.upload(&plan)?;
        let digests =
            upload.as_ref().map_or([[0; 32]; 2], |upload| [upload.digests.next, upload.digests.own]);
        let intention = Intention {
            digest: self.intention(&plan, handles),
            components: digests,
            lanes: self.node.config.limits.lanes,
            round_trip: self.wire.round_trip(),
        };
        let mut lane = self.own_lane();
        let mut tables: Vec<&mut Held> = held.iter_mut().map(|held| &mut **held).collect();
        let agreement = agree(self.me(), self.request.job, &mut lane, &intention, &mut tables)?;
        self.fix(handles, &mut lane)?;
        match (&plan.operation, upload) {
            (_, Some(upload)) => self.keep_upload(&plan, upload, agreement.handle, &mut lane),
            (Operation::Save, None) => match held.first_mut() {
                Some(held) => self.save(held, &mut lane),
                None => Err(refuse("internal", "no table")),
            },
            _ => {
                let tables: Vec<&TableShares> =
                    places.iter().filter_map(|place| held.get(*place)).map(|held| &held.shares).collect();
                self.compute(&plan, &agreement, &tables)
            }
        }
    }

    fn compute(&self, plan: &Plan, with: &Agreement, tables: &[&TableShares]) -> Result<Done, ErrorAnswer> {
        let [next, previous] = &with.keys;
        let keys = PairKeys { next: **next, previous: **previous };
        let lane = Box::new(self.lane(PROTOCOL_LANE));
        let further = (1..with.lanes).map(|lane| Box::new(self.lane(PROTOCOL_LANE + lane)) as Box<dyn Lane>);
        let mut party = Party::new(usize::from(self.me()), lane, keys, PROTOCOL_LANE).with_lanes(further);
        party = party.with_round_trip(with.round_trip);
        let mut progress = |done, total| self.mailbox.progress(done, total);
        let outcome = vdl_table::run(&mut party, plan, tables, &mut progress);
        let outcome = outcome.map_err(|error| self.explained(&error))?;
        match outcome {
            vdl_table::Outcome::Table { columns, rows, shares } => {
                let visible = columns.get(..plan.visible().len()).unwrap_or_default().to_vec();
                let sorted = plan.sorted_by();
                let rules = asked(&plan.rules);
                let meta =
                    TableMeta { handle: with.handle, name: None, rows, columns: visible, sorted, rules };
                let (meta, _) = self.node.shelf.insert(Held::new(meta, shares), false)?;
                self.reply(Outcome::Table(meta), &[], Some(with.handle))
            }
            vdl_table::Outcome::Opened { columns, rows, shares } => {
                let payload =
                    opened_answer(&shares).map_err(|error| refuse("internal", error.to_string()))?;
                self.reply(Outcome::Opened(Opened { rows, columns }), &payload, None)
            }
            vdl_table::Outcome::Nothing => self.reply(Outcome::Removed, &[], None),
        }
    }

    fn explained(&self, error: &TableError) -> ErrorAnswer {
        let answer = match error {
            TableError::Protocol(ProtocolError::Transport(error)) => return from_transport(self.me(), error),
            TableError::Protocol(ProtocolError::Inconsistent { .. } | ProtocolError::NotAnOrder { .. }) => {
                return refuse("inconsistent_shares", error.to_string())
                    .remedy("do not try again: tell whoever runs the servers");
            }
            TableError::Protocol(_) => refuse("protocol_failed", error.to_string()),
            _ => refuse(error.code().unwrap_or("internal"), error.to_string()),
        };
        match error.remedy() {
            Some(remedy) => answer.remedy(remedy),
            None => answer,
        }
    }

    /// The shares that came beside an upload, checked against what the command declares.
    fn upload(&self, plan: &Plan) -> Result<Option<UploadShares>, ErrorAnswer> {
        if plan.operation != Operation::Upload {
            return match (self.payload, self.request.rows) {
                ([], None) => Ok(None),
                _ => Err(refuse("bad_request", "only an upload brings rows")),
            };
        }
        let bad = |error: vdl_share::ShareError| refuse("bad_upload", error.to_string());
        let rows = self.rows()?;
        let columns = plan.columns().iter().map(upload_column).collect();
        let layout = UploadLayout::new(rows, columns).map_err(bad)?;
        read_upload(&layout, self.payload).map(Some).map_err(bad)
    }

    fn rows(&self) -> Result<usize, ErrorAnswer> {
        let rows = self.request.rows.filter(|rows| *rows < 1 << 31);
        rows.and_then(|rows| usize::try_from(rows).ok())
            .ok_or_else(|| refuse("bad_upload", "an upload says how many rows it has, fewer than 2^31"))
    }

    fn keep_upload(
        &self,
        plan: &Plan,
        upload: UploadShares,
        handle: Handle,
        lane: &mut NodeLane,
    ) -> Result<Done, ErrorAnswer> {
        let Command::Upload { name, .. } = self.command() else {
            return Err(refuse("internal", "no upload"));
        };
        let name = chosen(name.as_ref())?;
        let rows = self.rows()?;
        let columns = plan.columns().to_vec();
        let mut rules = plan.rules.clone();
        rules.guards.iter_mut().for_each(|guard| guard.source = Some(handle));
        let (rows_told, sorted, rules) = (rows as u64, Vec::new(), asked(&rules));
        let meta = TableMeta { handle, name, rows: rows_told, columns, sorted, rules };
        let shares = TableShares { rows, columns: upload.columns, selected: None };
        let store = &self.node.store;
        store.prepare(&meta, &shares).map_err(from_store)?;
        self.confirm(lane, handle)?;
        store.commit(handle).map_err(from_store)?;
        // It is stored: if there is no room for it now, it is read when it is needed.
        let _ = self.node.shelf.insert(Held::new(meta.clone(), shares), true);
        self.reply(Outcome::Table(meta), &[], Some(handle))
    }

    fn save(&self, held: &mut Held, lane: &mut NodeLane) -> Result<Done, ErrorAnswer> {
        let Command::Save { name, .. } = self.command() else { return Err(refuse("internal", "no save")) };
        let (name, handle, store) = (chosen(name.as_ref())?, held.meta.handle, &self.node.store);
        held.meta.name = name.clone().or_else(|| held.meta.name.take());
        if store.state(handle).map_err(from_store)?.is_none() {
            store.prepare(&held.meta, &held.first_forms()).map_err(from_store)?;
            self.confirm(lane, handle)?;
            store.commit(handle).map_err(from_store)?;
            self.node.shelf.recount(handle, held.bytes(), true);
        } else {
            self.confirm(lane, handle)?;
            store.rename(handle, name.as_deref()).map_err(from_store)?;
        }
        self.reply(Outcome::Table(held.meta.clone()), &[], Some(handle))
    }

    fn remove(&self, handle: Handle, lane: &mut NodeLane) -> Result<(), ErrorAnswer> {
        let store = &self.node.store;
        if store.state(handle).map_err(from_store)?.is_some() {
            store.leave(handle).map_err(from_store)?;
            self.confirm(lane, handle)?;
            store.remove(handle).map_err(from_store)?;
        } else {
            self.confirm(lane, handle)?;
        }
        self.node.shelf.remove(handle);
        Ok(())
    }

    /// Says that all is durable here and hears it from both peers. If that fails, nobody knows yet
    /// whether the others went on: the table is in doubt until they can be asked.
    fn confirm(&self, lane: &mut NodeLane, handle: Handle) -> Result<(), ErrorAnswer> {
        self.node.store.flush().map_err(from_store)?;
        let exchanged = PEERS
            .into_iter()
            .try_for_each(|peer| lane.send(peer, "confirm", handle.0.to_vec()))
            .and_then(|()| PEERS.into_iter().try_for_each(|peer: Peer| self.confirmed(lane, peer, handle)));
        exchanged.map_err(|error| {
            self.node.settling.doubt(handle);
            let cause = from_transport(self.me(), &error);
            refuse(
                "in_doubt",
                format!(
                    "{}; whether the change was made is settled when all three servers can talk",
                    cause.message
                ),
            )
            .remedy("look whether the table is there before trying again")
        })
    }

    fn confirmed(
        &self,
        lane: &mut NodeLane,
        peer: Peer,
        handle: Handle,
    ) -> Result<(), vdl_transport::TransportError> {
        let theirs = lane.receive(peer, "confirm", handle.0.len())?;
        if theirs == handle.0 {
            Ok(())
        } else {
            Err(vdl_transport::TransportError::WrongFrame {
                from: peer,
                expected: "the same table".into(),
                got: "another".into(),
            })
        }
    }

    fn reply(&self, outcome: Outcome, payload: &[u8], table: Option<Handle>) -> Result<Done, ErrorAnswer> {
        let answer = Answer { job: self.request.job, outcome };
        let body = encode(&answer, payload).map_err(|error| refuse("internal", error.to_string()))?;
        Ok((body, table))
    }
}

/// Whether an error says only that another server stopped: the mailbox knows better why.
fn from_outside(answer: &ErrorAnswer) -> bool {
    matches!(
        answer.code.as_str(),
        "peer_silent" | "peer_lost" | "peer_stopped" | "peer_misbehaves" | "cancelled"
    )
}

/// Whether a command changes what is stored.
pub(crate) fn writes(command: &Command) -> bool {
    matches!(command, Command::Upload { .. } | Command::Save { .. } | Command::Remove { .. })
}

fn lock(held: &Arc<Mutex<Held>>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn input(meta: &TableMeta) -> Input {
    let input = Input::new(meta.columns.clone(), meta.rows).sorted(&meta.sorted);
    match &meta.rules {
        Some(rules) => input.with_rules(rules.clone()),
        None => input,
    }
}

/// The rules of a result; none where nothing is asked.
fn asked(rules: &TableRules) -> Option<TableRules> {
    (!rules.is_empty()).then(|| rules.clone())
}

fn upload_column(column: &ColumnMeta) -> UploadColumn {
    UploadColumn { width: column.ctype.width() as usize, nullable: column.ctype.nullable }
}

/// A name given by the client: something, not endless, and nothing that reads like a handle.
fn chosen(name: Option<&vdl_command::Slot<String>>) -> Result<Option<String>, ErrorAnswer> {
    let Some(slot) = name else { return Ok(None) };
    let name =
        slot.value().ok_or_else(|| refuse("open_hole", format!("the hole {slot} was not filled in")))?;
    let fine = !name.is_empty() && name.len() <= 255 && name.parse::<Handle>().is_err();
    if fine && !name.chars().any(char::is_control) {
        Ok(Some(name.clone()))
    } else {
        Err(refuse("bad_name", "a table's name has 1 to 255 bytes of printable text and is no handle"))
    }
}
