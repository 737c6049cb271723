//! One of the three servers, without its sockets: what it knows and how it answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use vdl_authorize::Policy;
use vdl_command::wire::{decode, encode};
use vdl_command::{
    AskLog, AskUsed, CloseRun, Command, ErrorAnswer, Handle, Info, JobId, Mode, Progress, Request, Route,
    StartRun, TableRef,
};
use vdl_seal::SealingKey;
use vdl_store::Store;

use crate::authority::{Admitted, Authorities};
use crate::error::NodeError;
use crate::job::Job;
use crate::net::{End, Limits, Mailbox, NoBox, Notice, Order, PEERS, Post, Touches, Wire, control, step};
use crate::refusal::{Remedy, from_store, refuse};
use crate::sealed::{sealing_key, shown};
use crate::settle::Settling;
use crate::shelf::Shelf;
use crate::standing::Standings;
use crate::start::Starts;

/// What makes a node the one it is.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// 0, 1 or 2.
    pub node: u8,
    pub mode: Mode,
    pub environment: String,
    /// In authorized mode: the policy it begins with, for this environment.
    pub policy: Option<Policy>,
    /// Later policies and revocations in their envelopes, each with the name it goes by in messages.
    pub documents: Vec<(PathBuf, Vec<u8>)>,
    /// Memory for tables.
    pub memory_bytes: usize,
    pub limits: Limits,
    /// Where it keeps files of its own; `None` for a node that forgets everything.
    pub data: Option<PathBuf>,
}

/// A server. Every call blocks; calls may come from any number of threads.
pub struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) store: Store,
    pub(crate) post: Arc<Post>,
    pub(crate) shelf: Shelf,
    pub(crate) settling: Settling,
    pub(crate) authorities: Authorities,
    pub(crate) starts: Starts,
    pub(crate) standings: Standings,
    pub(crate) sealing: SealingKey,
    wire: OnceLock<Arc<dyn Wire>>,
}

impl Node {
    /// Puts a node together. `connect` gives it its wires, which deliver to the post it is handed.
    pub(crate) fn open(
        config: NodeConfig,
        store: Store,
        connect: impl FnOnce(Arc<Post>) -> Result<Arc<dyn Wire>, NodeError>,
    ) -> Result<Arc<Self>, NodeError> {
        let limits = config.limits;
        let (post, inquiries) = Post::new(limits, Order::new(config.node, limits.running));
        let node = Arc::new(Self {
            authorities: Authorities::new(&config, &store)?,
            shelf: Shelf::new(config.memory_bytes),
            settling: Settling::of(&store)?,
            starts: Starts::default(),
            standings: Standings::default(),
            sealing: sealing_key(config.data.as_deref())?,
            config,
            store,
            post: post.clone(),
            wire: OnceLock::new(),
        });
        let announcer = Arc::downgrade(&node);
        post.order.announce_with(Box::new(move |job| {
            if let Some(node) = announcer.upgrade() {
                node.tell_peers(job, step::START, &[]);
            }
        }));
        crate::settle::keep_settling(&node, inquiries)?;
        let wire = connect(post)?;
        node.wire.set(wire).map_err(|_| NodeError::Link("the node has its wires already".into()))?;
        Ok(node)
    }

    /// Answers one request; the body is that of the HTTPS interface.
    pub fn answer(&self, route: Route, body: &[u8]) -> Result<Vec<u8>, ErrorAnswer> {
        let named =
            |answer: ErrorAnswer| ErrorAnswer { node: answer.node.or(Some(self.config.node)), ..answer };
        self.answered(route, body).map_err(named)
    }

    fn answered(&self, route: Route, body: &[u8]) -> Result<Vec<u8>, ErrorAnswer> {
        match route {
            Route::Info => written(&self.info()),
            Route::Command => self.command(body),
            Route::StartRun => {
                let (start, envelope) = decode::<StartRun>(body).map_err(unreadable)?;
                written(&self.start_run(&start, envelope)?)
            }
            Route::CloseRun => {
                let (close, _) = decode::<CloseRun>(body).map_err(unreadable)?;
                self.authorities.close_run(&self.store, &close, now())?;
                self.show_head()?;
                written(&())
            }
            Route::Cancel => {
                let (job, _) = decode::<JobId>(body).map_err(unreadable)?;
                self.cancel(job);
                written(&())
            }
            Route::Progress => {
                let (job, _) = decode::<JobId>(body).map_err(unreadable)?;
                let known = self.post.find(job).map(|mailbox| mailbox.how_far());
                let (done, total) = known.unwrap_or_default();
                written(&Progress { done, total })
            }
            Route::Policy => written(&self.policies()?),
            Route::Publish => written(&self.publish(body)?),
            Route::Runs => {
                let (asked, _) = decode::<AskUsed>(body).map_err(unreadable)?;
                written(&self.used(&asked)?)
            }
            Route::Audit => {
                let (asked, _) = decode::<AskLog>(body).map_err(unreadable)?;
                self.log_part(asked.from)
            }
            Route::Sealed => self.sealed(body),
        }
    }

    pub fn info(&self) -> Info {
        Info {
            node: self.config.node,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: self.config.mode,
            environment: self.config.environment.clone(),
            seal_key: Some(shown(&self.sealing)),
        }
    }

    /// Waits until both peers can be reached.
    pub fn wait_for_peers(&self) -> Result<(), ErrorAnswer> {
        let missing = |peer| crate::refusal::unreachable(crate::net::node_of(self.config.node, peer));
        match self.wire.get() {
            Some(wire) => wire.wait_until_up(self.config.limits.connect).map_err(missing),
            None => Err(refuse("internal", "the node has no wires")),
        }
    }

    /// Whether `stop` was called.
    pub fn stopped(&self) -> bool {
        self.post.closed()
    }

    /// Ends all jobs and connections; nothing is answered any more.
    pub fn stop(&self) {
        self.post.close();
        if let Some(wire) = self.wire.get() {
            wire.close();
        }
    }

    fn cancel(&self, job: JobId) {
        self.post.stop(job, End::Cancelled);
        self.tell_stop(job, &refuse("cancelled", "the job was cancelled"));
    }

    fn command(&self, body: &[u8]) -> Result<Vec<u8>, ErrorAnswer> {
        let (request, payload) = decode::<Request>(body).map_err(unreadable)?;
        let job = request.job;
        if self.post.find(job).is_some() {
            return Err(refuse("job_known", "this job is under way already").remedy("choose a new job id"));
        }
        let admitted = self.authorities.admit(&self.store, &request, now());
        let admitted = admitted.inspect_err(|answer| self.tell_stop(job, answer))?;
        let mailbox = match self.post.open(job, touches(&admitted)) {
            Ok(mailbox) => mailbox,
            Err(why) => {
                let answer = no_room(why);
                self.authorities.done(&self.store, &admitted, Err(&answer.code))?;
                if why != NoBox::Known {
                    self.tell_stop(job, &answer);
                }
                return Err(answer);
            }
        };
        let (result, recorded) = match admitted.matters {
            true => self.while_recording(|| self.run(&request, payload, &admitted, &mailbox)),
            false => (self.run(&request, payload, &admitted, &mailbox), Ok(())),
        };
        self.post.order.leave(job);
        self.post.shut(job);
        let ended = result.as_ref().map(|(_, handle)| *handle).map_err(|answer| answer.code.as_str());
        let settled = self.authorities.done(&self.store, &admitted, ended);
        recorded.and(settled).and(result.map(|(answer, _)| answer))
    }

    /// Does `work` while the journal is made durable, and ends when both are done.
    fn while_recording<T>(&self, work: impl FnOnce() -> T) -> (T, Result<(), ErrorAnswer>) {
        thread::scope(|scope| {
            let recording = scope.spawn(|| self.store.flush().map_err(from_store));
            let result = work();
            let panicked = |_| Err(refuse("internal", "the journal met an error of its own"));
            (result, recording.join().unwrap_or_else(panicked))
        })
    }

    /// Runs an admitted job. Whatever goes wrong, the peers hear of it at once.
    fn run(
        &self,
        request: &Request,
        payload: &[u8],
        admitted: &Admitted,
        mailbox: &Arc<Mailbox>,
    ) -> Result<(Vec<u8>, Option<Handle>), ErrorAnswer> {
        let wire = self.wire.get().ok_or_else(|| refuse("internal", "the node has no wires"))?;
        let job =
            Job { node: self, wire: wire.clone(), mailbox: mailbox.clone(), request, payload, admitted };
        let result = catch_unwind(AssertUnwindSafe(|| job.run())).unwrap_or_else(|_| {
            Err(refuse("internal", "the server met an error of its own")
                .remedy("tell whoever runs the server"))
        });
        result.inspect_err(|answer| {
            tracing::info!(job = %request.job, code = %answer.code, "job failed");
            let told_already = matches!(mailbox.ended(), Some(End::Stopped { .. } | End::Cancelled));
            if !told_already {
                self.tell_stop(request.job, answer);
            }
        })
    }

    fn tell_stop(&self, job: JobId, answer: &ErrorAnswer) {
        let notice = Notice { code: answer.code.clone(), message: answer.message.clone() };
        // Two strings always serialise.
        self.tell_peers(job, step::STOP, &serde_json::to_vec(&notice).unwrap_or_default());
    }

    /// A control frame to both peers. One that is not reached will hear it from the broken connection.
    pub(crate) fn tell_peers(&self, job: JobId, step: &'static str, payload: &[u8]) {
        for peer in PEERS {
            self.tell(peer, control(job, step, payload.to_vec()));
        }
    }

    pub(crate) fn tell(&self, peer: vdl_transport::Peer, frame: vdl_transport::Frame) {
        if let Some(wire) = self.wire.get()
            && let Err(error) = wire.send(peer, frame)
        {
            tracing::debug!(?peer, %error, "a notice did not go out");
        }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.config.node)
    }
}

/// What others must keep away from while the command runs.
fn touches(admitted: &Admitted) -> Touches {
    let mut touches = Touches::default();
    for input in admitted.command.get().inputs() {
        match input {
            TableRef::Handle(handle) => touches.handles.extend(handle.value()),
            TableRef::Step(step) => touches.handles.extend(admitted.step(*step)),
            TableRef::Name(_) => touches.by_name = true,
        }
    }
    // No table has this handle: digests and handles are of one size and random.
    touches.handles.extend(admitted.counted().map(|approval| Handle(approval.0)));
    touches.names = match admitted.command.get() {
        Command::Upload { name, .. } | Command::Save { name, .. } => name.is_some(),
        _ => false,
    };
    touches
}

fn no_room(why: NoBox) -> ErrorAnswer {
    match why {
        NoBox::Known => refuse("job_known", "this job is under way already").remedy("choose a new job id"),
        NoBox::TooMany => refuse("busy", "too many jobs are waiting").remedy("try again in a while"),
        NoBox::ShuttingDown => {
            refuse("shutting_down", "the server is shutting down").remedy("try again when it is back")
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> ErrorAnswer {
    refuse("bad_request", format!("the request is not understood: {error}"))
}

pub(crate) fn written<T: Serialize>(header: &T) -> Result<Vec<u8>, ErrorAnswer> {
    encode(header, &[]).map_err(|error| refuse("internal", error.to_string()))
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}
