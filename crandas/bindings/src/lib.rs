//! The seam between Python and the client: converts, releases the GIL, maps errors; decides nothing.

mod columns;
mod embedded;
mod errors;
mod running;
mod session;

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::columns::InputColumn;

#[pymodule]
fn _crandas(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<session::Session>()?;
    module.add_function(wrap_pyfunction!(parse_type, module)?)?;
    module.add_function(wrap_pyfunction!(derive_type, module)?)?;
    module.add_function(wrap_pyfunction!(generate_key, module)?)?;
    module.add_function(wrap_pyfunction!(compare_scripts, module)?)?;
    Ok(())
}

#[pyfunction]
fn parse_type(py: Python<'_>, text: &str) -> PyResult<String> {
    vdl_client::parse_type(text).map(String::from).map_err(|error| errors::raise(py, &error))
}

#[pyfunction]
fn derive_type(py: Python<'_>, column: InputColumn) -> PyResult<String> {
    let derived = py.detach(|| vdl_client::derive_type(&column.0));
    derived.map(String::from).map_err(|error| errors::raise(py, &error))
}

/// The first step in which two recordings differ, with its text.
#[pyfunction]
fn compare_scripts(py: Python<'_>, first: PathBuf, second: PathBuf) -> PyResult<Option<Bound<'_, PyDict>>> {
    let found = py.detach(|| vdl_client::compare_scripts(&first, &second));
    let found = found.map_err(|error| errors::raise(py, &error))?;
    found.map(|mismatched| errors::details_of(py, &mismatched)).transpose()
}

#[pyfunction]
fn generate_key(py: Python<'_>, signing_key: PathBuf, verification_key: PathBuf) -> PyResult<()> {
    py.detach(|| vdl_client::generate_key(&signing_key, &verification_key))
        .map_err(|error| errors::raise(py, &error))
}
