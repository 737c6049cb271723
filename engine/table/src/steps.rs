//! How far a computation is, for whoever waits for it.

/// Tells `report` each time a step of the plan is done.
pub(crate) struct Steps<'a> {
    done: u32,
    total: u32,
    report: &'a mut dyn FnMut(u32, u32),
}

impl<'a> Steps<'a> {
    pub fn new(total: usize, report: &'a mut dyn FnMut(u32, u32)) -> Self {
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        report(0, total);
        Self { done: 0, total, report }
    }

    /// One more step is done.
    pub fn done(&mut self) {
        self.done = self.total.min(self.done.saturating_add(1));
        (self.report)(self.done, self.total);
    }

    /// Everything is done.
    pub fn finish(&mut self) {
        if self.done < self.total {
            self.done = self.total;
            (self.report)(self.done, self.total);
        }
    }
}
