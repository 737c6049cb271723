//! interim
use std::collections::BTreeMap;
use std::path::Path;

use vdl_command::{Authority, Command, HoleName, JobId, Mode, Script, Slot, Tree, read_script};

use crate::error::ClientError;
use crate::fanout::Servers;

#[derive(Clone, Default)]
pub(crate) struct Holes(BTreeMap<HoleName, Tree>);
impl Holes {
    pub(crate) fn fill(
        &mut self,
        script: &Script,
        expected: &Command,
        actual: &Tree,
    ) -> Result<Option<String>, ClientError> {
        let tree = Tree::of(expected).map_err(|error| ClientError::Command(error.to_string()))?;
        let _ = script;
        Ok(tree.difference_except(actual, &mut |mine, theirs| match mine {
            Tree::Text(text) => HoleName::parse(text).is_some_and(|hole| {
                self.0.insert(hole, theirs.clone());
                true
            }),
            _ => false,
        }))
    }
}
pub(crate) struct Permission {
    pub(crate) authority: Authority,
}
pub(crate) struct Analyst {
    path: std::path::PathBuf,
}
impl Analyst {
    pub(crate) fn read(_path: &Path) -> Result<Self, ClientError> {
        Err(Self::missing())
    }
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    pub(crate) fn missing() -> ClientError {
        ClientError::authorization("", "")
    }
}
pub(crate) struct Authorization {
    script: Script,
}
impl Authorization {
    pub(crate) fn read(path: &Path) -> Result<Self, ClientError> {
        Ok(Self { script: read_any_script(path)? })
    }
    pub(crate) fn script(&self) -> &Script {
        &self.script
    }
    pub(crate) fn check_script(&self, _: &str, _: Option<&Analyst>) -> Result<(), ClientError> {
        Ok(())
    }
    pub(crate) fn check_outside_scripts(
        &self,
        _: &str,
        _: Mode,
        _: Option<&Analyst>,
    ) -> Result<(), ClientError> {
        Ok(())
    }
    pub(crate) fn find(&self, _command: &Command) -> Result<Option<u32>, ClientError> {
        Ok(None)
    }
    pub(crate) fn run(&mut self, _: &Servers, _: &Analyst, _: &str) -> Result<&Run, ClientError> {
        Err(Analyst::missing())
    }
}
pub(crate) struct Run;
impl Run {
    pub(crate) fn start(_: &Servers, _: &Authorization) -> Result<Self, ClientError> {
        Ok(Run)
    }
    pub(crate) fn permit(
        &self,
        _: &Analyst,
        _: u32,
        _: &Command,
        _: JobId,
    ) -> Result<Permission, ClientError> {
        Err(Analyst::missing())
    }
    pub(crate) fn close(&self, _: &Servers, _: &Analyst) -> Result<(), ClientError> {
        Ok(())
    }
}
pub(crate) fn read_any_script(path: &Path) -> Result<Script, ClientError> {
    let bytes = std::fs::read(path).map_err(|error| ClientError::script(error.to_string(), ""))?;
    read_script(&bytes).map_err(|error| ClientError::script(error.to_string(), ""))
}
pub(crate) fn none_allows(_: &Command, _: usize) -> ClientError {
    let _: Option<Slot<u8>> = None;
    ClientError::authorization("", "")
}
