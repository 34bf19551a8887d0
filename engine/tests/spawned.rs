//! Calls that run in tasks.

use bygone_engine::{
    Engine, EngineOptions, Root,
    testing::{ManualClock, env},
};

async fn opened(root: &Root, clock: &std::sync::Arc<ManualClock>) -> Engine {
    Engine::open(root.clone(), env(clock, 1), EngineOptions::tiny()).await.unwrap()
}

async fn used(engine: &Engine) {
    engine.flush().await.unwrap();
    engine.compact().await.unwrap();
    engine.compact_to_shape().await.unwrap();
    engine.collect().await.unwrap();
    engine.sync().await.unwrap();
}

/// A future that is `Send` only for some lifetimes cannot be spawned once it is inside of another.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a program's own task")]
async fn an_engine_is_opened_and_used_in_a_task_by_what_borrows_it() {
    let (root, clock) = (Root::memory(), ManualClock::at(1));
    let task = tokio::spawn(async move {
        let engine = opened(&root, &clock).await;
        used(&engine).await;
        engine.close().await.unwrap();
        let reader = Engine::open_read_only(root.clone(), env(&clock, 2), EngineOptions::tiny()).await;
        reader.unwrap().close().await.unwrap();
    });
    task.await.unwrap();
}
