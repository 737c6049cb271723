//! How a request goes: a pure function of state and action. `docs/portal.md` shows the diagram
//! that a test makes of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a request stands. That an approval has expired follows from the clock and is no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Submitted,
    ChangesRequested,
    Approved,
    Rejected,
    Withdrawn,
    Revoked,
}

/// What somebody does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// One more approver signs the bytes of the version that is shown.
    Sign,
    AskChanges,
    Reject,
    Withdraw,
    /// A new version takes the place of the one before, whose signatures then count for nothing.
    Resubmit,
    Revoke,
}

/// Who somebody is to a request. Nobody signs a request of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Whoever submitted it, whatever else they are.
    Submitter,
    /// Somebody else, whose key is in the project's policy.
    Approver,
    /// Everybody else.
    Reader,
}

impl State {
    pub const ALL: [Self; 6] = [
        Self::Submitted,
        Self::ChangesRequested,
        Self::Approved,
        Self::Rejected,
        Self::Withdrawn,
        Self::Revoked,
    ];

    /// As it is stored and sent.
    pub fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::ChangesRequested => "changes_requested",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
        }
    }

    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl Action {
    pub const ALL: [Self; 6] =
        [Self::Sign, Self::AskChanges, Self::Reject, Self::Withdraw, Self::Resubmit, Self::Revoke];

    /// Who may do it.
    pub fn party(self) -> Party {
        match self {
            Self::Sign | Self::AskChanges | Self::Reject | Self::Revoke => Party::Approver,
            Self::Withdraw | Self::Resubmit => Party::Submitter,
        }
    }

    /// As it is stored and sent.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::AskChanges => "ask_changes",
            Self::Reject => "reject",
            Self::Withdraw => "withdraw",
            Self::Resubmit => "resubmit",
            Self::Revoke => "revoke",
        }
    }
}

/// The state after an action, `None` if the state does not allow it. `rule_met`: with this signature those
/// who signed are enough for the policy; it counts for [`Action::Sign`] only.
pub fn next(state: State, action: Action, rule_met: bool) -> Option<State> {
    match (state, action) {
        (State::Submitted, Action::Sign) if rule_met => Some(State::Approved),
        (State::Submitted, Action::Sign | Action::Resubmit) => Some(State::Submitted),
        (State::Submitted, Action::AskChanges) => Some(State::ChangesRequested),
        (State::Submitted, Action::Reject) => Some(State::Rejected),
        (State::Submitted | State::ChangesRequested, Action::Withdraw) => Some(State::Withdrawn),
        (State::ChangesRequested, Action::Resubmit) => Some(State::Submitted),
        (State::Approved, Action::Revoke) => Some(State::Revoked),
        _ => None,
    }
}

/// What this party may do now.
pub fn allowed(state: State, party: Party) -> Vec<Action> {
    let possible = |action: &Action| action.party() == party && next(state, *action, false).is_some();
    Action::ALL.into_iter().filter(possible).collect()
}

/// The whole machine in Mermaid's words, for the documentation.
#[cfg(test)]
fn diagram() -> String {
    let mut text = String::from("stateDiagram-v2\n    [*] --> submitted: submit (submitter)\n");
    for state in State::ALL {
        for action in Action::ALL {
            let whose = match action.party() {
                Party::Submitter => "submitter",
                Party::Approver | Party::Reader => "approver",
            };
            let cases: &[(bool, &str)] = match action {
                Action::Sign => &[(false, ", rule not met yet"), (true, ", rule met")],
                _ => &[(false, "")],
            };
            for (met, when) in cases {
                if let Some(after) = next(state, action, *met) {
                    let (from, to) = (state.word(), after.word());
                    text += &format!("    {from} --> {to}: {} ({whose}{when})\n", action.word());
                }
            }
        }
        if allowed(state, Party::Approver).is_empty() && allowed(state, Party::Submitter).is_empty() {
            text += &format!("    {} --> [*]\n", state.word());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Written down a second time, by hand.
    const TRANSITIONS: &[(State, Action, bool, State)] = &[
        (State::Submitted, Action::Sign, false, State::Submitted),
        (State::Submitted, Action::Sign, true, State::Approved),
        (State::Submitted, Action::AskChanges, false, State::ChangesRequested),
        (State::Submitted, Action::Reject, false, State::Rejected),
        (State::Submitted, Action::Withdraw, false, State::Withdrawn),
        (State::Submitted, Action::Resubmit, false, State::Submitted),
        (State::ChangesRequested, Action::Resubmit, false, State::Submitted),
        (State::ChangesRequested, Action::Withdraw, false, State::Withdrawn),
        (State::Approved, Action::Revoke, false, State::Revoked),
    ];

    #[test]
    fn these_transitions_and_no_others() {
        for state in State::ALL {
            for action in Action::ALL {
                for met in [false, true] {
                    let listed = TRANSITIONS.iter().find(|(from, by, when, _)| {
                        (*from, *by) == (state, action) && (action != Action::Sign || *when == met)
                    });
                    assert_eq!(
                        next(state, action, met),
                        listed.map(|listed| listed.3),
                        "{state:?} {action:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_state_is_reached_and_three_are_the_end() {
        let (mut reached, mut open) = (BTreeSet::from([State::Submitted]), vec![State::Submitted]);
        while let Some(state) = open.pop() {
            for action in Action::ALL {
                for met in [false, true] {
                    open.extend(next(state, action, met).filter(|after| reached.insert(*after)));
                }
            }
        }
        assert_eq!(reached, BTreeSet::from(State::ALL));
        let end = |state: &State| Action::ALL.iter().all(|action| next(*state, *action, true).is_none());
        let ends: Vec<State> = State::ALL.into_iter().filter(end).collect();
        assert_eq!(ends, [State::Rejected, State::Withdrawn, State::Revoked]);
    }

    #[test]
    fn nobody_signs_their_own_and_readers_do_nothing() {
        for state in State::ALL {
            assert!(!allowed(state, Party::Submitter).contains(&Action::Sign));
            assert!(allowed(state, Party::Reader).is_empty());
            assert_eq!(State::read(state.word()), Some(state));
        }
    }

    #[test]
    fn the_documentation_shows_the_machine_as_it_is() {
        let document = include_str!("../../../docs/portal.md");
        assert!(document.contains(&format!("```mermaid\n{}```", diagram())), "put this in:\n{}", diagram());
    }
}
