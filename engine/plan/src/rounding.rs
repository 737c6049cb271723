//! Counts that are told as multiples of a number only, and sums so that they tell no count more finely.

use serde::Serialize;
use vdl_command::Aggregate;

use crate::bounds::{Bounds, narrow};
use crate::error::PlanError;

/// Largest number whose multiples a provider can ask for: quotients are exact up to it.
pub(crate) const COARSEST: u64 = 1000;

/// Sums with their offset stay below this, so that every multiple fits a ring element.
const LARGEST_SUM: i128 = 1 << 62;

/// A value is rounded down to a multiple of `to << shift` before anybody sees it.
///
/// The shift makes the step at least as large as `to` rows can make it, so that the sum of a condition times
/// any number, or of equal values, says no more than the rounded count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rounding {
    pub to: u64,
    pub shift: u32,
    /// A multiple of the step; no value is below its negative.
    pub offset: u64,
}

impl Rounding {
    /// Of numbers of rows.
    pub fn of_counts(to: u64) -> Self {
        Self { to, shift: 0, offset: 0 }
    }

    /// Distance of two neighbouring results.
    pub fn step(&self) -> i128 {
        i128::from(self.to) << self.shift
    }

    /// The greatest result that is not above a value.
    pub fn down(&self, value: i128) -> i128 {
        value.div_euclid(self.step()) * self.step()
    }

    /// How an aggregation is rounded: of values within `value`, with a total within `total`.
    pub(crate) fn of(to: u64, aggregate: Aggregate, value: Bounds, total: Bounds) -> Result<Self, PlanError> {
        match aggregate {
            Aggregate::Count => Ok(Self::of_counts(to)),
            Aggregate::Sum => Self::of_sums(to, value, total),
            Aggregate::Mean => Err(PlanError::RuleRounded { what: "a mean", to }),
            Aggregate::Min | Aggregate::Max => {
                Err(PlanError::RuleRounded { what: "the smallest or greatest value", to })
            }
        }
    }

    fn of_sums(to: u64, value: Bounds, total: Bounds) -> Result<Self, PlanError> {
        let refused = PlanError::RuleRounded { what: "a sum that may pass 61 bits", to };
        // The most that one row can change: one that does not belong adds nothing.
        let widest = value.1.max(0) - value.0.min(0);
        if !narrow(value) || !narrow(total) || widest >= LARGEST_SUM {
            return Err(refused);
        }
        let shift = if widest > 1 { (widest - 1).ilog2() + 1 } else { 0 };
        let step = i128::from(to) << shift;
        let offset = (-total.0.min(0)).unsigned_abs().next_multiple_of(step.unsigned_abs());
        match u64::try_from(offset) {
            Ok(offset) if total.1.max(0) + i128::from(offset) < LARGEST_SUM => Ok(Self { to, shift, offset }),
            _ => Err(refused),
        }
    }
}

/// The least number of rows that can be asked for without telling more: a multiple.
pub(crate) fn up(least: u64, to: Option<u64>) -> u64 {
    to.and_then(|to| least.checked_next_multiple_of(to)).unwrap_or(least)
}
