//! Policies that are exact however a caller spreads over the nodes.

use serde_json::json;

use super::Nodes;

#[tokio::test]
async fn registrations_of_one_address_are_counted_over_all_nodes() {
    let nodes = Nodes::start_with(2, |_, config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.limits.set("register=5/3600").unwrap();
    })
    .await;
    let register = async |node: usize, number: usize, from: &str| {
        let body = json!({ "email": format!("a{number}@example.com"), "handle": format!("agent-{number}") });
        let headers = [("X-Forwarded-For", from)];
        nodes.nodes[node].request("POST", "/v1/register", &headers, body.to_string().as_bytes()).await
    };
    for number in 0..5 {
        let answer = register(number % 2, number, "203.0.113.9").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("ratelimit-policy"), Some("\"register\";q=5;w=3600"));
        let left = format!("\"register\";r={};", 4 - number);
        assert!(answer.header("ratelimit").is_some_and(|rate| rate.starts_with(&left)), "{answer:?}");
    }
    for node in 0..2 {
        let refused = register(node, 9, "203.0.113.9").await;
        assert_eq!((refused.status, refused.error_code().as_str()), (429, "RATE_LIMITED"));
        let details = refused.json()["details"].clone();
        assert_eq!(
            (&details["reason"], &details["limit"], &details["window_s"]),
            (&json!("register"), &json!(5), &json!(3600))
        );
        assert!(details["retry_after_ms"].as_u64().is_some_and(|wait| (1..=720_000).contains(&wait)), "{details}");
    }
    assert_eq!(register(0, 10, "203.0.113.10").await.status, 200, "somebody else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_too_many_pass_at_the_same_moment() {
    let nodes = Nodes::start_with(2, |_, config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.limits.set("recover=3/3600").unwrap();
    })
    .await;
    let recover = |number: usize| {
        let node = &nodes.nodes[number % 2];
        async move {
            let headers = [("X-Forwarded-For", "203.0.113.9")];
            node.request("POST", "/v1/agents/recover", &headers, br#"{"email":"nobody@example.com"}"#).await.status
        }
    };
    let statuses = futures_util::future::join_all((0..20).map(recover)).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 17, "{statuses:?}");
}
