//! Rousing what works on committed rows: the sequencer, and the deliveries that it queues.

use tokio::sync::watch;

/// Tells that something was committed. Signals coalesce: who was busy during ten of them wakes once. A lost one
/// costs time and nothing else, since the tables are the truth and everybody also looks at intervals.
#[derive(Clone, Debug)]
pub struct Wake {
    here: watch::Sender<()>,
    anywhere: watch::Sender<()>,
    queued: watch::Sender<()>,
}

impl Default for Wake {
    fn default() -> Self {
        let sender = || watch::Sender::new(());
        Self { here: sender(), anywhere: sender(), queued: sender() }
    }
}

impl Wake {
    /// This process has committed something.
    pub fn committed(&self) {
        self.here.send_replace(());
        self.anywhere.send_replace(());
    }

    /// Another process has; what it was is not told.
    pub fn committed_elsewhere(&self) {
        self.anywhere.send_replace(());
        self.queued.send_replace(());
    }

    /// This process has queued deliveries.
    pub fn queued(&self) {
        self.here.send_replace(());
        self.queued.send_replace(());
    }

    /// Follows the commits of this process.
    pub fn here(&self) -> Waker {
        Waker(self.here.subscribe())
    }

    /// Follows the commits of all processes.
    pub fn anywhere(&self) -> Waker {
        Waker(self.anywhere.subscribe())
    }

    /// Follows what may have queued deliveries. A commit alone has not yet: whoever looked for deliveries then would
    /// look too early.
    pub fn queue(&self) -> Waker {
        Waker(self.queued.subscribe())
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
    fn deliveries_are_looked_for_once_they_are_queued() {
        let wake = Wake::default();
        let (mut here, mut anywhere, mut queue) = (wake.here(), wake.anywhere(), wake.queue());
        wake.committed();
        assert!(queue.roused().now_or_never().is_none());
        assert!(here.roused().now_or_never().is_some() && anywhere.roused().now_or_never().is_some());
        wake.queued();
        assert!(queue.roused().now_or_never().is_some() && here.roused().now_or_never().is_some());
        assert!(anywhere.roused().now_or_never().is_none(), "there is nothing to sequence");
        wake.committed_elsewhere();
        assert!(queue.roused().now_or_never().is_some());
    }
}
