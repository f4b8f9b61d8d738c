//! Whose deliveries one look at the queue prepares.
//!
//! Preparing takes the time of the database, and what was prepared first must not grow stale while the last is being
//! prepared. So a look ends when its time is over; the next one begins with the endpoint after the last that had its
//! turn, and takes on only as many as there was time for.

use uuid::Uuid;

/// Where the next look begins, and how many endpoints it takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    after: Uuid,
    most: usize,
}

impl Default for Turn {
    fn default() -> Self {
        Self { after: Uuid::nil(), most: usize::MAX }
    }
}

impl Turn {
    /// Those of `endpoints` whose turn it is, in their order.
    pub(super) fn pick<T>(self, mut endpoints: Vec<T>, id: impl Fn(&T) -> Uuid) -> Vec<T> {
        endpoints.sort_unstable_by_key(&id);
        let first = endpoints.partition_point(|endpoint| id(endpoint) <= self.after);
        endpoints.rotate_left(first);
        endpoints.truncate(self.most);
        endpoints
    }

    /// The turn after a look that had time for `served` endpoints, the last of them `last`. One that was not cut short
    /// had time to spare.
    pub(super) fn next(self, last: Uuid, served: usize, is_cut: bool) -> Self {
        let most = if is_cut { served.max(1) } else { self.most.max(served).saturating_mul(2) };
        Self { after: last, most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_its_turn_however_slow_the_look() {
        let endpoints: Vec<Uuid> = (1..=7).map(Uuid::from_u128).collect();
        for time_for in 1..=7 {
            let mut turn = Turn::default();
            let mut seen = Vec::new();
            for _ in 0..7 {
                let mut picked = turn.pick(endpoints.clone(), |id| *id);
                let is_cut = picked.len() > time_for;
                picked.truncate(time_for);
                turn = turn.next(picked[picked.len() - 1], picked.len(), is_cut);
                seen.extend(picked);
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, endpoints, "with time for {time_for}");
        }
    }

    #[test]
    fn a_look_takes_on_what_it_has_time_for_and_more_once_it_is_quick() {
        let endpoints: Vec<Uuid> = (1..=7).map(Uuid::from_u128).collect();
        let after_cut = Turn::default().next(endpoints[2], 3, true);
        assert_eq!(after_cut.pick(endpoints.clone(), |id| *id), endpoints[3..6]);
        let after_quick = after_cut.next(endpoints[5], 3, false);
        let picked = after_quick.pick(endpoints.clone(), |id| *id);
        assert_eq!((picked[0], picked.len()), (endpoints[6], 6));
    }
}
