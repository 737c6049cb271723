//! Columns between numpy and the client. Numbers are copied as blocks, never one by one as objects.

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use vdl_client::{ClearColumn, ClearValues, OpenedColumn, OpenedValues};

/// A `(name, kind, values, valid)` from Python.
pub struct InputColumn(pub ClearColumn);

impl<'a, 'py> FromPyObject<'a, 'py> for InputColumn {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        type Parts<'py> = (String, String, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>);
        let (name, kind, values, valid): Parts<'py> = object.extract()?;
        let wrong = |_| PyTypeError::new_err(format!("the values of \"{name}\" are not an array for {kind}"));
        let values = match kind.as_str() {
            "integer" => ClearValues::Integer(block(&values).map_err(wrong)?),
            "wide" => ClearValues::Wide(values.extract()?),
            "boolean" => ClearValues::Boolean(block(&values).map_err(wrong)?),
            "date" => ClearValues::Date(block(&values).map_err(wrong)?),
            "text" => ClearValues::Text(values.extract()?),
            _ => return Err(PyValueError::new_err(format!("\"{kind}\" is no kind of column"))),
        };
        let valid = valid.map(|valid| block(&valid).map_err(wrong)).transpose()?;
        Ok(Self(ClearColumn { name, values, valid }))
    }
}

fn block<T: numpy::Element + Copy>(array: &Bound<'_, PyAny>) -> PyResult<Vec<T>> {
    let array: PyReadonlyArray1<'_, T> = array.extract()?;
    match array.as_slice() {
        Ok(slice) => Ok(slice.to_vec()),
        // A view with strides.
        Err(_) => Ok(array.as_array().iter().copied().collect()),
    }
}

/// `[(name, type, values, valid), ...]`
pub fn opened<'py>(py: Python<'py>, columns: Vec<OpenedColumn>) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for OpenedColumn { name, ctype, values, valid } in columns {
        let values = match values {
            OpenedValues::Integer(values) => PyArray1::from_vec(py, values).into_any(),
            OpenedValues::Wide(values) => PyList::new(py, values)?.into_any(),
            OpenedValues::Boolean(values) => PyArray1::from_vec(py, values).into_any(),
            OpenedValues::Date(values) => PyArray1::from_vec(py, values).into_any(),
            OpenedValues::Mean(values) => PyArray1::from_vec(py, values).into_any(),
            OpenedValues::Text(values) => PyList::new(py, values)?.into_any(),
        };
        let valid = valid.map(|valid| PyArray1::from_vec(py, valid));
        list.append((name, ctype.to_string(), values, valid))?;
    }
    Ok(list)
}
