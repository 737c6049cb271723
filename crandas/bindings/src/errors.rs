//! Which Python class an error becomes. The only place that knows.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use vdl_client::{ClientError, Mismatched};

/// The class of `crandas.errors` for a code; the codes are those of docs/errors.md.
fn class(error: &ClientError) -> &'static str {
    match error {
        ClientError::ConnectionFile(_) => "ConnectionFileError",
        ClientError::Unreachable { .. } => "ConnectionLostError",
        ClientError::Garbled { .. } => "ServerError",
        ClientError::Disagreement(_) | ClientError::Inconsistent { .. } => "IntegrityError",
        ClientError::Value { .. } => "BoundsError",
        ClientError::Column { .. } | ClientError::Type(_) => "TypeMismatchError",
        ClientError::Command(_) => "CommandError",
        ClientError::Authorization { .. } => "AuthorizationError",
        ClientError::KeyFile { .. } => "KeyFileError",
        ClientError::Script { .. } | ClientError::StepsLeft(_) => "ScriptError",
        ClientError::Mismatch(_) => "ScriptMismatchError",
        ClientError::Cancelled => "CancelledError",
        ClientError::System(_) => "CrandasError",
        ClientError::Node(answer) => class_of_code(&answer.code),
    }
}

/// As servers report them; a code from a newer server is still a `ServerError`.
fn class_of_code(code: &str) -> &'static str {
    match code {
        "unknown_column" => "UnknownColumnError",
        "unknown_table" | "evicted_table" => "UnknownTableError",
        "wrong_type" | "bad_type" | "bad_date" | "incomparable" | "unlike_columns" | "mean_in_expression" => {
            "TypeMismatchError"
        }
        "duplicate_column" | "extra_column" | "nothing_asked" | "unequal_keys" | "open_hole" | "overflow"
        | "too_many_rows" | "wrong_inputs" | "bad_name" | "bad_upload" | "command_unreadable" => {
            "CommandError"
        }
        "bad_rules" | "rule_rows" | "rule_column" | "rule_key" | "rule_rounded" | "rule_unchecked" => {
            "RuleError"
        }
        "too_few_rows" => "TooFewRowsError",
        "key_not_unique" => "KeyNotUniqueError",
        "cancelled" => "CancelledError",
        "inconsistent_shares" | "servers_disagree" | "peer_misbehaves" => "IntegrityError",
        "peer_unreachable" | "peer_lost" | "peer_silent" | "shutting_down" | "request_missing" => {
            "ConnectionLostError"
        }
        "not_approved"
        | "approver_missing"
        | "approval_unreadable"
        | "approval_expired"
        | "approval_not_yet_valid"
        | "wrong_environment"
        | "wrong_policy"
        | "wrong_analyst"
        | "runs_used_up"
        | "other_run"
        | "run_closed"
        | "run_too_long"
        | "replayed"
        | "policy_expired"
        | "revoked"
        | "table_not_approved"
        | "name_not_approved"
        | "name_rebound"
        | "approval_void"
        | "uses_used_up"
        | "design_mode"
        | "wrong_token"
        | "approvers_misconfigured" => "AuthorizationError",
        "step_mismatch" | "step_out_of_order" | "script_ended" => "ScriptMismatchError",
        "step_repeated" | "step_running" | "unknown_step" => "ScriptError",
        _ => "ServerError",
    }
}

/// An instance of the class, with `code`, `remedy` and `node`.
pub fn raise(py: Python<'_>, error: &ClientError) -> PyErr {
    build(py, error).map_or_else(|failure| failure, PyErr::from_value)
}

fn build<'py>(py: Python<'py>, error: &ClientError) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("crandas.errors")?;
    let class = module.getattr(class(error)).or_else(|_| module.getattr("CrandasError"))?;
    let details = PyDict::new(py);
    details.set_item("code", error.code())?;
    details.set_item("remedy", error.remedy())?;
    details.set_item("node", error.node())?;
    if let ClientError::Mismatch(mismatched) = error {
        add_mismatch(&details, mismatched)?;
    }
    class.call((error.to_string(),), Some(&details))
}

/// A mismatch piece by piece, its text as `message`.
pub fn details_of<'py>(py: Python<'py>, mismatched: &Mismatched) -> PyResult<Bound<'py, PyDict>> {
    let details = PyDict::new(py);
    details.set_item("message", mismatched.to_string())?;
    add_mismatch(&details, mismatched)?;
    Ok(details)
}

/// What `StepDiffersError` tells beside its text.
fn add_mismatch(details: &Bound<'_, PyDict>, mismatched: &Mismatched) -> PyResult<()> {
    details.set_item("step", mismatched.step)?;
    details.set_item("path", &mismatched.path)?;
    details.set_item("expected", mismatched.expected_field.as_deref())?;
    details.set_item("actual", mismatched.actual_field.as_deref())?;
    details.set_item("expected_source", mismatched.expected_source.as_deref())?;
    details.set_item("actual_source", mismatched.actual_source.as_deref())?;
    details.set_item("hint", mismatched.hint.as_deref())
}
