//! Accounts made at the same time.

use std::sync::Arc;

use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::ground::{Ground, code_of};

/// Makes an account for each of these at once; answers how many there are now. The others are refused for this reason.
async fn made(ground: &Arc<Ground>, accounts: Vec<(String, String)>, refusal: ErrorCode) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for (number, (email, handle)) in accounts.into_iter().enumerate() {
        let ground = Arc::clone(ground);
        tasks.spawn(async move { ground.create(&email, &handle, false, &ground.key_of(&format!("{number}"))).await });
    }
    let mut count = 0;
    for answer in tasks.join_all().await {
        match answer {
            Ok(_) => count += 1,
            refused => assert_eq!(code_of(refused), refusal),
        }
    }
    count
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn one_handle_is_one_agents(engine: Engine) {
    let ground = Arc::new(Ground::new(engine).await);
    let accounts = (0..40).map(|number| (format!("a{number}@example.com"), "alice".to_owned())).collect();
    assert_eq!(made(&ground, accounts, ErrorCode::HandleTaken).await, 1);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn one_email_backs_as_many_as_it_may(engine: Engine) {
    let ground = Arc::new(Ground::new(engine).await);
    let accounts = (0..40).map(|number| ("ops@example.com".to_owned(), format!("bot-{number}"))).collect();
    assert_eq!(made(&ground, accounts, ErrorCode::EmailLimitReached).await, 10);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn one_email_gets_one_code_at_a_time(engine: Engine) {
    let ground = Arc::new(Ground::new(engine).await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let ground = Arc::clone(&ground);
        tasks.spawn(async move { ground.register("ops@example.com", &format!("bot-{number}")).await });
    }
    let (begun, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(begun.len(), 1);
    for answer in refused {
        assert_eq!(code_of(answer), ErrorCode::OtpCooldown);
    }
}
