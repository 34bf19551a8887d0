//! Group commit: many callers, one leader at a time, no thread of its own.
//!
//! ```text
//!   caller A ─ queue ─▶ leads: waits a turn, takes the queue, checks, stamps, stages ─▶ hands over
//!   caller B ─ queue ─▶ waits                                            └─ durable, visible ─▶ A and B are answered
//!   caller C ────────── queue (while A leads) ─▶ waits ─────────────────▶ leads next
//! ```
//!
//! P1 At most one caller leads; only the leader stamps and stages.
//! P2 The leader's own request is at the front of the queue when it begins to lead.
//! P3 Between stamping and staging a group of batches there is no point at which the leader can be dropped.
//!    From there on the group is nobody's: what is left to do, to wait for the log, to make it visible and to
//!    answer, is done at once as far as it waits for nothing, which is all of it in memory and on a
//!    directory, and the rest by a task of the engine.
//! P4 A leader that is dropped before that hands back what it took, and wakes the next. A request whose
//!    caller was dropped while waiting is left out when it was not taken yet; otherwise it happens.
//! P5 A request with files is carried out alone, because publishing files suspends: by its own caller, or,
//!    where storage is requests, by a task of the engine that leads until it is done, whether its caller
//!    waits or not.
//!
//! A leader must be polled for the others to go on, as with any asynchronous lock.

use std::{
    collections::{HashSet, VecDeque},
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bygone_engine::{
    IngestOptions, IngestedRun, StagedGroup, StampedBatch,
    env::Task,
    types::{Durability, KeyspaceId, Timestamp, WriteBatch},
};
use bytes::Bytes;
use parking_lot::Mutex;

use super::{CommitInfo, Request};
use crate::{Error, Result, clock::Stamping, records, store::Core};

/// The most turns a leader lets others have to join its group.
const TURNS_MAX: usize = 4;

/// The queue of commits.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    led: bool,
}

#[derive(Debug)]
struct Job {
    request: Box<Request>,
    waiter: Arc<Waiter>,
}

/// Why a commit did not happen.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// A keyspace is locked; here is the request back, to try again.
    Locked(Box<Request>, Error),
    /// It failed for good.
    Failed(Error),
}

type Outcome = std::result::Result<CommitInfo, Rejected>;

#[derive(Debug, Default)]
struct Waiter {
    state: Mutex<WaiterState>,
}

#[derive(Debug, Default)]
struct WaiterState {
    signal: Option<Signal>,
    waker: Option<Waker>,
    abandoned: bool,
}

#[derive(Debug)]
enum Signal {
    Lead,
    Done(Outcome),
}

impl Waiter {
    fn signal(&self, signal: Signal) {
        let mut state = self.state.lock();
        state.signal = Some(signal);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    fn is_abandoned(&self) -> bool {
        self.state.lock().abandoned
    }

    async fn wait(&self) -> Signal {
        poll_fn(|context| {
            let mut state = self.state.lock();
            if let Some(signal) = state.signal.take() {
                return Poll::Ready(signal);
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A caller's place in the queue. Dropping it gives the place up.
struct Ticket<'a> {
    pipeline: &'a Pipeline,
    waiter: Arc<Waiter>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.waiter.state.lock();
        state.abandoned = true;
        let was_to_lead = matches!(state.signal, Some(Signal::Lead));
        drop(state);
        if was_to_lead {
            self.pipeline.hand_over();
        }
    }
}

impl Pipeline {
    /// Carries `request` through: as leader, or as part of another caller's group.
    pub(crate) async fn commit(&self, core: &Arc<Core>, request: Box<Request>) -> Outcome {
        let waiter = Arc::new(Waiter::default());
        let lead_now = {
            let mut queue = self.queue.lock();
            queue.jobs.push_back(Job { request, waiter: Arc::clone(&waiter) });
            !mem::replace(&mut queue.led, true)
        };
        let ticket = Ticket { pipeline: self, waiter };
        if !lead_now {
            match ticket.waiter.wait().await {
                Signal::Done(outcome) => return outcome,
                Signal::Lead => {}
            }
        }
        Leadership { core: Arc::clone(core), taken: VecDeque::new() }.lead().await;
        match ticket.waiter.wait().await {
            Signal::Done(outcome) => outcome,
            Signal::Lead => unreachable!("a leader answers its own request before it hands over"),
        }
    }

    /// Wakes the next caller to lead, if there is one.
    fn hand_over(&self) {
        let mut queue = self.queue.lock();
        while let Some(job) = queue.jobs.front() {
            let mut state = job.waiter.state.lock();
            if state.abandoned {
                drop(state);
                queue.jobs.pop_front();
                continue;
            }
            state.signal = Some(Signal::Lead);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
            return;
        }
        queue.led = false;
    }
}

/// The right to lead. Dropping it hands back what was taken and not answered, and wakes the next.
struct Leadership {
    core: Arc<Core>,
    taken: VecDeque<Job>,
}

impl Drop for Leadership {
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            let mut queue = self.core.pipeline.queue.lock();
            while let Some(job) = self.taken.pop_back() {
                queue.jobs.push_front(job);
            }
        }
        self.core.pipeline.hand_over();
    }
}

impl Leadership {
    /// One turn as leader.
    async fn lead(mut self) {
        self.gather().await;
        let files = self.take_group();
        self.check_conflicts().await;
        if !files {
            return self.append_group();
        }
        let Some(job) = self.taken.pop_front() else { return };
        let engine = self.core.engine.clone();
        // It leads until the files are published, and answers before it hands over.
        let publication = Box::pin(async move {
            let outcome = publish_files(&self.core, job.request).await;
            job.waiter.signal(Signal::Done(outcome));
        });
        if engine.suspends() && engine.env().tasks.is_background() {
            engine.env().tasks.spawn("publish a commit with files", publication);
        } else {
            publication.await;
        }
    }

    /// Lets callers on the same thread join: one turn, and further ones while they keep coming.
    async fn gather(&self) {
        let pipeline = &self.core.pipeline;
        let mut waiting = pipeline.queue.lock().jobs.len();
        for _ in 0..TURNS_MAX {
            tokio::task::yield_now().await;
            let now = pipeline.queue.lock().jobs.len();
            if now <= waiting {
                break;
            }
            waiting = now;
        }
    }

    /// Takes the requests at the front: one with files, or those up to the first with files that fit into one
    /// record of the log. Says which.
    fn take_group(&mut self) -> bool {
        let bytes_max = self.core.log_bytes_max();
        let mut bytes = 0;
        let mut queue = self.core.pipeline.queue.lock();
        while let Some(job) = queue.jobs.front() {
            let files = !job.request.runs.is_empty();
            bytes += job.request.batch.bytes();
            if (files || bytes > bytes_max) && !self.taken.is_empty() {
                break;
            }
            let Some(job) = queue.jobs.pop_front() else { break };
            if job.waiter.is_abandoned() {
                bytes -= job.request.batch.bytes();
                continue;
            }
            self.taken.push_back(job);
            if files {
                return true;
            }
        }
        false
    }

    /// Rejects what conflicts with commits that are visible or staged already.
    async fn check_conflicts(&mut self) {
        let mut index = 0;
        while let Some(job) = self.taken.get(index) {
            match check_request(&self.core, &job.request).await {
                Ok(()) => index += 1,
                Err(error) => {
                    let job = self.taken.remove(index).expect("it was there before the check");
                    job.waiter.signal(Signal::Done(Err(Rejected::Failed(error))));
                }
            }
        }
    }

    /// Stamps and stages the group in one go; see P3 for what follows.
    fn append_group(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let jobs = mem::take(&mut self.taken);
        let mut group = Group::new(&self.core, &jobs);
        // 1. The timestamps are announced; from here on whoever takes a lock or reads at them waits (L2, C3).
        // 2. Leave out what is locked or conflicts with an earlier member of the group.
        let mut written = (jobs.len() > 1).then(HashSet::new);
        for job in jobs {
            if job.request.is_empty() {
                group.add_empty(job);
                continue;
            }
            match validate(&self.core, &job.request, written.as_ref()) {
                Ok(()) => {}
                Err(error @ Error::Locked { .. }) => {
                    job.waiter.signal(Signal::Done(Err(Rejected::Locked(job.request, error))));
                    continue;
                }
                Err(error) => {
                    job.waiter.signal(Signal::Done(Err(Rejected::Failed(error))));
                    continue;
                }
            }
            if let Some(written) = &mut written {
                written.extend(job.request.batch.writes().iter().map(|w| (w.keyspace, w.key.clone())));
            }
            group.add(job);
        }
        // 3. One log record.
        let staged = group.stage();
        // 4. Remember exclusive commits before anybody can take part again.
        for (at, request, _) in group.accepted.iter().filter(|_| staged.is_ok()) {
            if let Some(lock) = request.barring_lock() {
                self.core.locks.committed(&lock.keyspaces, *at);
            }
        }
        // 5. One sync, all visible, everybody answered.
        match staged {
            Ok(staged) => {
                let task = Box::pin(async move { group.answer(staged.complete().await) });
                run_to_the_end(&self.core, task);
            }
            Err(error) => group.answer(Err(error)),
        }
    }
}

/// A group of commits between stamps and answers.
struct Group {
    core: Arc<Core>,
    stamping: Stamping,
    accepted: Vec<(Timestamp, Box<Request>, Arc<Waiter>)>,
    watermarks: Vec<Arc<Waiter>>,
    empty: Vec<Arc<Waiter>>,
}

impl Group {
    /// A group with room for the commits of `jobs`.
    fn new(core: &Arc<Core>, jobs: &VecDeque<Job>) -> Self {
        let stamps = jobs.iter().filter(|job| !job.request.is_empty()).count();
        Self {
            core: Arc::clone(core),
            stamping: core.clock.begin_stamping(stamps as u64),
            accepted: Vec::with_capacity(stamps),
            watermarks: Vec::new(),
            empty: Vec::new(),
        }
    }

    fn add_empty(&mut self, job: Job) {
        let waiting = if job.request.is_watermark { &mut self.watermarks } else { &mut self.empty };
        waiting.push(job.waiter);
    }

    fn add(&mut self, Job { mut request, waiter }: Job) {
        let at = self.stamping.stamp();
        records::add_record(&mut request, at);
        self.accepted.push((at, request, waiter));
    }

    /// Stages the group as one record of the log. Any commit of the group is a watermark as well.
    fn stage(&self) -> bygone_engine::Result<StagedGroup> {
        let engine = &self.core.engine;
        let nothing = WriteBatch::new();
        let accepted = self.accepted.iter();
        let mut group: Vec<_> =
            accepted.map(|(at, request, _)| StampedBatch { at: *at, batch: &request.batch }).collect();
        let newest = self.stamping.newest();
        if group.is_empty() && !self.watermarks.is_empty() && newest > engine.newest_staged() {
            group.push(StampedBatch { at: newest, batch: &nothing });
        }
        if group.is_empty() && !self.watermarks.is_empty() {
            // The newest commit is the watermark, once it is durable.
            return engine.stage_sync();
        }
        let waits_for_disk = |(_, request, _): &(_, Box<Request>, _)| request.durability == Durability::Sync;
        let sync = !self.watermarks.is_empty() || self.accepted.iter().any(waits_for_disk);
        engine.stage(&group, if sync { Durability::Sync } else { Durability::Buffered })
    }

    /// Tells everybody what became of the group; its timestamps are not in flight any more.
    fn answer(self, outcome: bygone_engine::Result<()>) {
        let Self { core, stamping, accepted, watermarks, empty } = self;
        drop(stamping);
        let answer = |timestamp| match &outcome {
            Ok(()) => Ok(CommitInfo { timestamp }),
            Err(error) => Err(Rejected::Failed(error.clone().into())),
        };
        for (timestamp, _, waiter) in accepted {
            waiter.signal(Signal::Done(answer(timestamp)));
        }
        let timestamp = core.engine.last_timestamp();
        for waiter in watermarks {
            waiter.signal(Signal::Done(answer(timestamp)));
        }
        for waiter in empty {
            waiter.signal(Signal::Done(Ok(CommitInfo { timestamp })));
        }
    }
}

/// Runs `task` as far as it waits for nothing, and what is left of it as a task of the engine: whoever called
/// may go away.
fn run_to_the_end(core: &Core, mut task: Task) {
    if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        core.engine.env().tasks.spawn("complete a group of commits", task);
    }
}

/// Checks `request` against the commits that are visible or staged.
async fn check_request(core: &Core, request: &Request) -> Result<()> {
    let Some(since) = request.since else { return Ok(()) };
    if core.engine.newest_staged() <= since {
        return Ok(());
    }
    for (keyspace, key) in request.checked() {
        if core.engine.newest_commit(keyspace, key, since).await?.is_some() {
            return Err(Error::Conflict { keyspace, key: Some(key.clone()) });
        }
    }
    Ok(())
}

/// The checks that need no storage: locks, exclusive commits, earlier members of the group.
fn validate(core: &Core, request: &Request, written: Option<&HashSet<(KeyspaceId, Bytes)>>) -> Result<()> {
    core.locks.check(request.keyspaces.iter().copied(), request.lock.as_ref().map(|lock| lock.id))?;
    let Some(since) = request.since else { return Ok(()) };
    // A blind write may follow an exclusive commit that it knows nothing of.
    if request.check_writes
        && let Some(keyspace) = core.locks.committed_after(request.keyspaces.iter().copied(), since)
    {
        return Err(Error::Conflict { keyspace, key: None });
    }
    if let Some(written) = written.filter(|written| !written.is_empty()) {
        for (keyspace, key) in request.checked() {
            if written.contains(&(keyspace, key.clone())) {
                return Err(Error::Conflict { keyspace, key: Some(key.clone()) });
            }
        }
    }
    Ok(())
}

/// Publishes a request with files. Dropping the future leaves it visible as a whole or not at all.
async fn publish_files(core: &Arc<Core>, mut request: Box<Request>) -> Outcome {
    let mut stamping = core.clock.begin_stamping(1);
    match validate(core, &request, None) {
        Ok(()) => {}
        Err(error @ Error::Locked { .. }) => return Err(Rejected::Locked(request, error)),
        Err(error) => return Err(Rejected::Failed(error)),
    }
    let at = stamping.stamp();
    records::add_record(&mut request, at);
    match write_and_publish(core, &mut request, at).await {
        Ok(()) => {
            if let Some(lock) = request.barring_lock() {
                core.locks.committed(&lock.keyspaces, at);
            }
            Ok(CommitInfo { timestamp: at })
        }
        Err(error) => Err(Rejected::Failed(error)),
    }
}

/// Turns the batch into runs, because only files become visible together with files, and publishes all of
/// them.
async fn write_and_publish(core: &Core, request: &mut Request, at: Timestamp) -> Result<()> {
    let mut runs = mem::take(&mut request.runs);
    let mut loaded = runs.iter().map(IngestedRun::keyspace);
    if let Some(keyspace) = loaded.find(|k| request.batch.writes().iter().any(|write| write.keyspace == *k)) {
        return Err(Error::Invalid(format!("files and writes of one commit share keyspace={keyspace}")));
    }
    // On the heap: the many commits that ingest nothing need not carry this.
    runs.extend(Box::pin(ingest_batch(core, request)).await?);
    Box::pin(core.engine.publish_ingest(at, runs)).await?;
    Ok(())
}

async fn ingest_batch(core: &Core, request: &Request) -> Result<Vec<IngestedRun>> {
    let mut by_keyspace = std::collections::BTreeMap::<_, std::collections::BTreeMap<_, _>>::new();
    for write in request.batch.writes() {
        by_keyspace.entry(write.keyspace).or_default().insert(write.key.clone(), write.value.clone());
    }
    let mut runs = Vec::with_capacity(by_keyspace.len());
    for (keyspace, writes) in by_keyspace {
        let mut ingest = core.engine.ingest(keyspace, IngestOptions::default());
        for (key, value) in writes {
            ingest.push(&key, value.as_deref()).await?;
        }
        runs.push(ingest.finish().await?);
    }
    Ok(runs)
}
