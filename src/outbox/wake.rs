//! Rousing what works on committed rows: the sequencer, and who follows it.

use tokio::sync::watch;

use crate::webhook::queue::Pulse;

/// Tells that something was committed. Signals coalesce: who was busy during ten of them wakes once. A lost one
/// costs time and nothing else, since the tables are the truth and everybody also looks at intervals.
#[derive(Clone, Debug)]
pub struct Wake {
    here: watch::Sender<()>,
    anywhere: watch::Sender<()>,
    sequenced: watch::Sender<()>,
    queued: watch::Sender<()>,
    looked: watch::Sender<Option<Pulse>>,
}

impl Default for Wake {
    fn default() -> Self {
        let sender = || watch::Sender::new(());
        Self {
            here: sender(),
            anywhere: sender(),
            sequenced: sender(),
            queued: sender(),
            looked: watch::Sender::new(None),
        }
    }
}

impl Wake {
    /// This process has committed something.
    pub fn committed(&self) {
        self.here.send_replace(());
        self.anywhere.send_replace(());
    }

    /// Another process has.
    pub fn committed_elsewhere(&self) {
        self.anywhere.send_replace(());
    }

    /// This process has given messages their places: workers of other processes may send their deliveries, and tell
    /// their subscribers.
    pub fn placed(&self) {
        self.here.send_replace(());
    }

    /// Everything committed before the last signal has its position.
    pub fn sequenced(&self) {
        self.sequenced.send_replace(());
    }

    /// The sequencer queued deliveries.
    pub fn queued(&self) {
        self.queued.send_replace(());
    }

    /// The sequencer queued none, and found the queue of deliveries like this.
    pub fn looked(&self, pulse: Pulse) {
        self.looked.send_replace(Some(pulse));
    }

    /// Follows the commits of this process.
    pub fn here(&self) -> Waker {
        Waker(self.here.subscribe())
    }

    /// Follows the commits of all processes.
    pub fn anywhere(&self) -> Waker {
        Waker(self.anywhere.subscribe())
    }

    /// Follows the sequencer behind the commits of all processes: who looked for messages at the commit itself would
    /// look too early.
    pub fn behind_the_sequencer(&self) -> Waker {
        Waker(self.sequenced.subscribe())
    }

    /// Follows the deliveries that the sequencer queues here.
    pub fn deliveries(&self) -> Waker {
        Waker(self.queued.subscribe())
    }

    /// Follows how the queue of deliveries is while it queues none.
    pub fn pulses(&self) -> Pulses {
        Pulses(self.looked.subscribe())
    }
}

/// What the sequencer saw of the queue of deliveries.
#[derive(Debug)]
pub struct Pulses(watch::Receiver<Option<Pulse>>);

impl Pulses {
    /// Waits for the next.
    pub async fn next(&mut self) -> Pulse {
        while self.0.changed().await.is_ok() {
            if let Some(pulse) = *self.0.borrow_and_update() {
                return pulse;
            }
        }
        // Nobody is left who could look: the process ends.
        std::future::pending().await
    }
}

/// One follower of a [`Wake`].
#[derive(Debug)]
pub struct Waker(watch::Receiver<()>);

impl Waker {
    /// Waits until something was committed since the last time.
    pub async fn roused(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could commit: the process ends.
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn signals_coalesce_and_none_is_lost_on_a_busy_follower() {
        let wake = Wake::default();
        let (mut here, mut anywhere) = (wake.here(), wake.anywhere());
        assert!(anywhere.roused().now_or_never().is_none());
        wake.committed();
        wake.committed();
        for waker in [&mut here, &mut anywhere] {
            assert!(waker.roused().now_or_never().is_some());
            assert!(waker.roused().now_or_never().is_none());
        }
    }

    #[test]
    fn what_another_process_committed_is_not_passed_on() {
        let wake = Wake::default();
        let (mut here, mut anywhere) = (wake.here(), wake.anywhere());
        wake.committed_elsewhere();
        assert!(anywhere.roused().now_or_never().is_some());
        assert!(here.roused().now_or_never().is_none());
    }

    #[test]
    fn who_follows_the_sequencer_waits_for_it() {
        let wake = Wake::default();
        let (mut here, mut anywhere, mut sequenced) =
            (wake.here(), wake.anywhere(), wake.behind_the_sequencer());
        wake.committed();
        assert!(sequenced.roused().now_or_never().is_none());
        assert!(here.roused().now_or_never().is_some() && anywhere.roused().now_or_never().is_some());
        wake.placed();
        assert!(here.roused().now_or_never().is_some(), "the other processes are told");
        assert!(anywhere.roused().now_or_never().is_none(), "there is nothing to sequence");
        wake.sequenced();
        assert!(sequenced.roused().now_or_never().is_some());
    }
}
