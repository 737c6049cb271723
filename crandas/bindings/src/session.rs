//! `crandas._crandas.Session`.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use vdl_client::{ClientError, Endpoint, Mode, Reply};

use crate::columns::{self, InputColumn};
use crate::embedded::InProcess;
use crate::errors;
use crate::running::{self, Work};

#[pyclass(frozen, module = "crandas._crandas")]
pub struct Session {
    client: Arc<vdl_client::Session>,
}

impl Session {
    /// Every call goes to the client with the GIL released.
    fn call<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&vdl_client::Session) -> Result<T, ClientError> + Send,
    ) -> PyResult<T> {
        py.detach(|| work(&self.client)).map_err(|error| errors::raise(py, &error))
    }
}

#[pymethods]
impl Session {
    #[staticmethod]
    fn connect(py: Python<'_>, connection_file: PathBuf) -> PyResult<Self> {
        let path_or_text = connection_file.to_string_lossy().into_owned();
        let client = py.detach(|| vdl_client::Session::connect(&path_or_text));
        Ok(Self { client: Arc::new(client.map_err(|error| errors::raise(py, &error))?) })
    }

    #[staticmethod]
    fn embedded(py: Python<'_>) -> PyResult<Self> {
        let client = py.detach(|| {
            let nodes =
                vdl_node::embedded::start().map_err(|error| ClientError::System(error.to_string()))?;
            vdl_client::Session::over(nodes.map(|node| Arc::new(InProcess(node)) as Arc<dyn Endpoint>))
        });
        Ok(Self { client: Arc::new(client.map_err(|error| errors::raise(py, &error))?) })
    }

    #[getter]
    fn mode(&self) -> &'static str {
        match self.client.mode() {
            Mode::Design => "design",
            Mode::Authorized => "authorized",
        }
    }

    #[getter]
    fn environment(&self) -> &str {
        self.client.environment()
    }

    #[getter]
    fn endpoints(&self) -> Vec<String> {
        self.client.endpoints().into()
    }

    #[getter]
    fn get_analyst_key(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.client.analyst_key()).map(|path| path.to_string_lossy().into_owned())
    }

    #[setter]
    fn set_analyst_key(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.call(py, |client| client.set_analyst_key(&path))
    }

    fn upload_types(
        &self,
        py: Python<'_>,
        columns: Vec<InputColumn>,
        types: Vec<Option<String>>,
    ) -> PyResult<Vec<String>> {
        let columns: Vec<_> = columns.into_iter().map(|column| column.0).collect();
        self.call(py, |client| {
            let given = |text: Option<String>| text.map(|text| vdl_client::parse_type(&text)).transpose();
            let types = types.into_iter().map(given).collect::<Result<Vec<_>, _>>()?;
            Ok(client.upload_types(&columns, &types)?.into_iter().map(String::from).collect())
        })
    }

    #[pyo3(signature = (command, source = None, columns = None, progress = None, dummy_for = None))]
    fn execute<'py>(
        &self,
        py: Python<'py>,
        command: String,
        source: Option<String>,
        columns: Option<Vec<InputColumn>>,
        progress: Option<Bound<'py, PyAny>>,
        dummy_for: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let columns = columns.map(|columns| columns.into_iter().map(|column| column.0).collect());
        let work = Work { command, source, columns, dummy_for };
        match running::run(py, &self.client, work, progress.as_ref())? {
            Reply::Table(meta) => {
                let text = vdl_client::describe(&meta).map_err(|error| errors::raise(py, &error))?;
                Ok(text.into_pyobject(py)?.into_any())
            }
            Reply::Opened(opened) => Ok(columns::opened(py, opened)?.into_any()),
            Reply::Removed => Ok(py.None().into_bound(py)),
        }
    }

    #[pyo3(signature = (name = None))]
    fn record(&self, py: Python<'_>, name: Option<String>) -> PyResult<()> {
        self.call(py, |client| client.record(name.as_deref()))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.call(py, |client| client.save(&path))
    }

    fn load(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.call(py, |client| client.load(&path))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, vdl_client::Session::close)
    }

    #[getter]
    fn script(&self, py: Python<'_>) -> Option<(&'static str, Option<String>, usize, Option<usize>)> {
        let state = py.detach(|| self.client.script())?;
        let word = if state.recording { "recording" } else { "loaded" };
        Some((word, state.name, state.done, state.steps))
    }

    fn expected_step(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.client.expected_step())
    }

    fn load_authorization(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.call(py, |client| client.load_authorization(&path))
    }

    fn link_dummy(&self, py: Python<'_>, production: String, dummy: String) -> PyResult<()> {
        self.call(py, |client| client.link_dummy(&production, &dummy))
    }

    fn __repr__(&self) -> String {
        format!("<Session {} \"{}\">", self.mode(), self.environment())
    }
}
