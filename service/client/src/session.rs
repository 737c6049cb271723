//! A session: three servers, and the script, authorizations and links that belong to it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vdl_authorize::Bindings;
use vdl_command::wire::{decode, encode_header};
use vdl_command::{
    Authority, ColumnType, Command, JobId, Mode, Progress, Request, Route, Slot, TableMeta, holes,
    write_command, write_script,
};

use crate::approval::{Authorization, Run, Starts, none_allows, read_any_script};
use crate::column::{ClearColumn, derive_type, widen_type};
use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::fanout::Servers;
use crate::https::HttpsEndpoint;
use crate::identify::identify;
use crate::keys::Analyst;
use crate::links::{Links, Production};
use crate::reply::{self, Reply};
use crate::script::{Active, Loaded, Recording};
use crate::split::split;

/// May be used from several threads; the state is locked only between requests, never during one.
pub struct Session {
    servers: Servers,
    mode: Mode,
    environment: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    links: Links,
    active: Active,
    analyst: Option<Analyst>,
    authorizations: Vec<Authorization>,
    starts: Starts,
    /// A step of the script is on its way; the next one must wait for its result.
    under_way: bool,
}

/// One command to run.
#[derive(Default)]
pub struct Call<'a> {
    /// JSON text of a [`Command`]; tables are named by handle or name.
    pub command: &'a str,
    /// The Python line it came from.
    pub source: Option<&'a str>,
    /// Goes with an upload, in the order of its columns.
    pub columns: Option<Vec<ClearColumn>>,
    /// The upload stands in for this production table (handle or name) and is no step of a script.
    pub dummy_for: Option<&'a str>,
}

/// Where a session is in its script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptState {
    pub recording: bool,
    pub name: Option<String>,
    pub done: usize,
    /// Of a loaded script.
    pub steps: Option<usize>,
}

/// Codes after which an authorization outside scripts needs another run.
const RUN_IS_GONE: [&str; 4] = ["other_run", "unknown_run", "run_closed", "run_too_long"];

/// A command that may be sent, and what to do once it has succeeded.
struct Prepared {
    /// As the servers will read it.
    command: Command,
    authority: Option<Authority>,
    after: After,
}

enum After {
    Nothing,
    Link(Production),
    Record(Command),
    Advance(Bindings),
    /// Rests on the authorization of this number.
    Outside(usize),
}

impl Session {
    /// Reads a connection file (a path, or the text of one) and asks the three servers who they are.
    pub fn connect(path_or_text: &str) -> Result<Self, ClientError> {
        let connection = Connection::open(path_or_text)?;
        let [first, second, third] = &connection.servers;
        let endpoint = |server| -> Result<Arc<dyn Endpoint>, ClientError> {
            Ok(Arc::new(HttpsEndpoint::new(server, &connection.token)?))
        };
        Self::over([endpoint(first)?, endpoint(second)?, endpoint(third)?])
    }

    /// Over endpoints that are there already.
    pub fn over(endpoints: [Arc<dyn Endpoint>; 3]) -> Result<Self, ClientError> {
        let servers = Servers(endpoints);
        let info = identify(&servers)?;
        Ok(Self { servers, mode: info.mode, environment: info.environment, state: Mutex::default() })
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn environment(&self) -> &str {
        &self.environment
    }

    pub fn endpoints(&self) -> [String; 3] {
        [0, 1, 2].map(|node| self.servers.endpoint(node).address().to_owned())
    }

    /// Runs one command: matches, signs, sends, reads the three answers, records. On failure nothing has
    /// moved and the same command can be run again.
    pub fn execute(&self, call: Call, job: JobId) -> Result<Reply, ClientError> {
        let command: Command = serde_json::from_str(call.command)
            .map_err(|error| ClientError::Command(format!("this is no command: {error}")))?;
        if let Some(hole) = holes(&command).first() {
            let why = format!("{hole} stands for something that is to be filled in; give a value");
            return Err(ClientError::Command(why));
        }
        let prepared = self.prepare(&command, &call, job)?;
        let result = self.send(&prepared, call.columns.as_deref(), job);
        self.settle(prepared, call.source, result)
    }

    /// Tells all three servers to give a job up; the call that runs it then fails as cancelled.
    pub fn cancel(&self, job: JobId) {
        self.servers.cancel_without_waiting(job, None);
    }

    /// How far a job is, if the first server knows.
    pub fn progress(&self, job: JobId) -> Option<Progress> {
        let answer = self.servers.endpoint(0).call(Route::Progress, encode_header(&job).ok()?).ok()?;
        decode(&answer).ok().map(|(progress, _)| progress)
    }

    /// Reads the key that signs commands.
    pub fn set_analyst_key(&self, path: &Path) -> Result<(), ClientError> {
        let analyst = Analyst::read(path)?;
        self.state().analyst = Some(analyst);
        Ok(())
    }

    pub fn analyst_key(&self) -> Option<PathBuf> {
        self.state().analyst.as_ref().map(|analyst| analyst.path().to_owned())
    }

    /// `dummy` stands in for `production` (a handle or a name) from now on.
    pub fn link_dummy(&self, production: &str, dummy: &str) -> Result<(), ClientError> {
        self.design_only("a dummy")?;
        let dummy = dummy.parse().map_err(ClientError::Command)?;
        self.state().links.link(Production::parse(production), dummy)
    }

    /// The type every column would be uploaded with; `None` asks to derive it. Outside scripts that is the
    /// narrowest type; while recording a standard one; where a loaded script or authorization pins the
    /// columns, theirs.
    pub fn upload_types(
        &self,
        columns: &[ClearColumn],
        types: &[Option<ColumnType>],
    ) -> Result<Vec<ColumnType>, ClientError> {
        if columns.len() != types.len() {
            return Err(ClientError::Command("every column needs a type, or none to derive it".into()));
        }
        let state = self.state();
        let recording = matches!(state.active, Active::Recording(_));
        let pinned = state.pinned_types(columns);
        let derive = |(place, column): (usize, &ClearColumn)| match (
            types.get(place).cloned().flatten(),
            pinned.as_ref().and_then(|types| types.get(place)),
        ) {
            (Some(given), _) => Ok(given),
            (None, Some(pinned)) => Ok(pinned.clone()),
            (None, None) if recording => derive_type(column).map(|derived| widen_type(&derived)),
            (None, None) => derive_type(column),
        };
        columns.iter().enumerate().map(derive).collect()
    }

    /// Starts a recording; an unfinished one is dropped.
    pub fn record(&self, name: Option<&str>) -> Result<(), ClientError> {
        self.design_only("a recording")?;
        let mut state = self.state();
        state.check_idle()?;
        if matches!(state.active, Active::Loaded(_)) {
            return Err(ClientError::script("a script is loaded", "close it before recording another one"));
        }
        state.active = Active::Recording(Recording::new(name.map(str::to_owned)));
        Ok(())
    }

    /// Writes the recorded script and ends the recording.
    pub fn save(&self, path: &Path) -> Result<(), ClientError> {
        let mut state = self.state();
        let Active::Recording(recording) = &state.active else {
            return Err(ClientError::script("no script is being recorded", "start with script.record()"));
        };
        if recording.len() == 0 {
            let remedy = "run the commands of the analysis between record() and save()";
            return Err(ClientError::script("nothing was recorded yet", remedy));
        }
        let text = write_script(&recording.script()).map_err(|error| {
            ClientError::script(format!("this script cannot be written: {error}"), "record again")
        })?;
        std::fs::write(path, text).map_err(|error| {
            let message = format!("{} cannot be written: {error}", path.display());
            ClientError::script(message, "save it elsewhere; the recording goes on")
        })?;
        state.active = Active::Nothing;
        Ok(())
    }

    /// Loads a script; from now on every command must be its next step. In an authorized environment
    /// the run begins here, on all three servers.
    pub fn load(&self, path: &Path) -> Result<(), ClientError> {
        let mut state = self.state();
        state.check_idle()?;
        if matches!(state.active, Active::Recording(_)) {
            return Err(ClientError::script(
                "a script is being recorded",
                "save or close it before loading one",
            ));
        }
        if let Active::Loaded(earlier) = std::mem::take(&mut state.active) {
            // An unfinished script gives way, as when a notebook is run again from the top.
            self.end(*earlier, state.analyst.as_ref()).ok();
        }
        let loaded = match self.mode {
            Mode::Design => Loaded::new(read_any_script(path)?, None),
            Mode::Authorized => {
                let authorization = Authorization::read(path)?;
                let State { analyst, starts, .. } = &mut *state;
                let analyst = analyst.as_ref().ok_or_else(Analyst::missing)?;
                authorization.check_script(&self.environment, analyst)?;
                let run = Run::start(&self.servers, &authorization, analyst, starts)?;
                Loaded::new(authorization.script().clone(), Some(run))
            }
        };
        state.active = Active::Loaded(Box::new(loaded));
        Ok(())
    }

    /// Ends the loaded script, or drops the recording. Steps that are left are an error, after closing.
    pub fn close(&self) -> Result<(), ClientError> {
        let mut state = self.state();
        match std::mem::take(&mut state.active) {
            Active::Nothing => {
                Err(ClientError::script("no script is active", "load one with script.load(path)"))
            }
            Active::Recording(_) => Ok(()),
            Active::Loaded(loaded) => {
                let left = loaded.left();
                let ended = self.end(*loaded, state.analyst.as_ref());
                left.map_or(ended, Err)
            }
        }
    }

    pub fn script(&self) -> Option<ScriptState> {
        match &self.state().active {
            Active::Nothing => None,
            Active::Recording(recording) => Some(ScriptState {
                recording: true,
                name: recording.name.clone(),
                done: recording.len(),
                steps: None,
            }),
            Active::Loaded(loaded) => Some(ScriptState {
                recording: false,
                name: loaded.name().map(str::to_owned),
                done: loaded.done(),
                steps: Some(loaded.steps()),
            }),
        }
    }

    /// JSON text of the loaded script's next command.
    pub fn expected_step(&self) -> Option<String> {
        match &self.state().active {
            Active::Loaded(loaded) => write_command(&loaded.expected()?.command).ok(),
            _ => None,
        }
    }

    /// Adds an authorization outside scripts. Its run begins when it is first used.
    pub fn load_authorization(&self, path: &Path) -> Result<(), ClientError> {
        let authorization = Authorization::read(path)?;
        let mut state = self.state();
        let analyst = state.analyst.as_ref().filter(|_| self.mode == Mode::Authorized);
        authorization.check_outside_scripts(&self.environment, self.mode, analyst)?;
        state.authorizations.push(authorization);
        Ok(())
    }

    fn prepare(&self, command: &Command, call: &Call, job: JobId) -> Result<Prepared, ClientError> {
        let mut state = self.state();
        if matches!(command, Command::Upload { .. }) != call.columns.is_some() {
            return Err(ClientError::Command("columns go with an upload, and only with it".into()));
        }
        if let Some(production) = call.dummy_for {
            self.design_only("a dummy")?;
            let after = After::Link(Production::parse(production));
            return Ok(Prepared { command: command.clone(), authority: None, after });
        }
        state.check_idle()?;
        let prepared = match self.mode {
            Mode::Design => state.prepare_in_design(command, call.source)?,
            Mode::Authorized => state.prepare_authorized(self, command, call.source, job)?,
        };
        state.under_way = matches!(prepared.after, After::Record(_) | After::Advance(_));
        Ok(prepared)
    }

    /// Sends a command that may be sent. Holds no lock.
    fn send(
        &self,
        prepared: &Prepared,
        columns: Option<&[ClearColumn]>,
        job: JobId,
    ) -> Result<Reply, ClientError> {
        let text =
            write_command(&prepared.command).map_err(|error| ClientError::Command(error.to_string()))?;
        let (rows, payloads) = match (columns, &prepared.command) {
            (Some(columns), Command::Upload { columns: Slot::Value(metas), .. }) => {
                let (rows, payloads) = split(columns, metas)?;
                (Some(rows), payloads)
            }
            _ => (None, Default::default()),
        };
        let request = Request { job, command: text, rows, authority: prepared.authority.clone() };
        let header = encode_header(&request).map_err(|error| ClientError::Command(error.to_string()))?;
        let bodies = payloads.map(|payload| {
            let mut body = Vec::with_capacity(header.len() + payload.len());
            body.extend_from_slice(&header);
            body.extend_from_slice(&payload);
            body
        });
        let answers = self.servers.call(Route::Command, bodies, Some(job))?;
        reply::read(&self.servers, job, &prepared.command, &answers)
    }

    /// Moves the script on after a success.
    fn settle(
        &self,
        prepared: Prepared,
        source: Option<&str>,
        result: Result<Reply, ClientError>,
    ) -> Result<Reply, ClientError> {
        let mut state = self.state();
        if matches!(prepared.after, After::Record(_) | After::Advance(_)) {
            state.under_way = false;
        }
        if let (After::Outside(number), Err(ClientError::Node(answer))) = (&prepared.after, &result)
            && RUN_IS_GONE.contains(&answer.code.as_str())
            && let Some(authorization) = state.authorizations.get_mut(*number)
        {
            authorization.forget_run();
        }
        let reply = result?;
        let output = match &reply {
            Reply::Table(TableMeta { handle, .. }) => Some(*handle),
            Reply::Opened(_) | Reply::Removed => None,
        };
        match (prepared.after, &mut state.active) {
            (After::Link(production), _) => {
                if let Some(handle) = output {
                    state.links.link(production, handle)?;
                }
            }
            (After::Record(command), Active::Recording(recording)) => {
                recording.push(command, source.map(str::to_owned), output);
            }
            (After::Advance(holes), Active::Loaded(loaded)) => loaded.advance(holes, output),
            // Closed while it ran, or none of a script.
            _ => {}
        }
        Ok(reply)
    }

    fn end(&self, loaded: Loaded, analyst: Option<&Analyst>) -> Result<(), ClientError> {
        match (loaded.run, analyst) {
            (Some(run), Some(analyst)) => run.close(&self.servers, analyst),
            _ => Ok(()),
        }
    }

    fn design_only(&self, what: &str) -> Result<(), ClientError> {
        match self.mode {
            Mode::Design => Ok(()),
            Mode::Authorized => Err(ClientError::script(
                format!(
                    "{what} belongs in a design environment; \"{}\" is an authorized one",
                    self.environment
                ),
                "connect to a design environment, or to none for the engine in this process",
            )),
        }
    }

    /// A panic in another thread leaves nothing half-done here: every change is made in one place.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check_idle(&self) -> Result<(), ClientError> {
        if !self.under_way {
            return Ok(());
        }
        let remedy = "wait for it: the steps of a script run one after the other";
        Err(ClientError::script("a step of the script is still running", remedy))
    }

    fn prepare_in_design(&self, command: &Command, source: Option<&str>) -> Result<Prepared, ClientError> {
        let mut executed = command.clone();
        let after = match &self.active {
            Active::Nothing => After::Nothing,
            Active::Recording(recording) => After::Record(recording.prepare(command, &self.links)),
            Active::Loaded(loaded) => {
                let next = loaded.follow(command, source, &self.links)?;
                executed = next.command;
                loaded.resolve(&mut executed)?;
                After::Advance(next.holes)
            }
        };
        self.links.to_dummies(&mut executed);
        Ok(Prepared { command: executed, authority: None, after })
    }

    /// The next step of the script, or what an authorization outside scripts allows.
    fn prepare_authorized(
        &mut self,
        session: &Session,
        command: &Command,
        source: Option<&str>,
        job: JobId,
    ) -> Result<Prepared, ClientError> {
        let analyst = self.analyst.as_ref().ok_or_else(Analyst::missing)?;
        let mut refusal = None;
        if let Active::Loaded(loaded) = &self.active
            && let Some(run) = &loaded.run
        {
            match loaded.follow(command, source, &self.links) {
                Ok(next) => {
                    let authority = Some(run.sign(analyst, next.number, &next.command, job)?);
                    let after = After::Advance(next.holes);
                    return Ok(Prepared { command: next.command, authority, after });
                }
                Err(mismatch) => refusal = Some(mismatch),
            }
        }
        for (number, authorization) in self.authorizations.iter_mut().enumerate() {
            let Some(step) = authorization.find(command) else { continue };
            match authorization.run(&session.servers, analyst, &session.environment, &mut self.starts) {
                Ok(run) => {
                    let authority = Some(run.sign(analyst, step, command, job)?);
                    let after = After::Outside(number);
                    return Ok(Prepared { command: command.clone(), authority, after });
                }
                // Perhaps another one that is loaded allows the same.
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| none_allows(command, self.authorizations.len())))
    }

    /// The types that the next approved step, or an authorization, pins for columns of these names.
    fn pinned_types(&self, columns: &[ClearColumn]) -> Option<Vec<ColumnType>> {
        let next = match &self.active {
            Active::Loaded(loaded) => loaded.expected(),
            _ => None,
        };
        let outside = self.authorizations.iter().flat_map(|authorization| &authorization.script().steps);
        next.into_iter().chain(outside).find_map(|step| match &step.command {
            Command::Upload { columns: Slot::Value(metas), .. } => {
                let same = metas.iter().map(|meta| &meta.name).eq(columns.iter().map(|column| &column.name));
                same.then(|| metas.iter().map(|meta| meta.ctype.clone()).collect())
            }
            _ => None,
        })
    }
}
