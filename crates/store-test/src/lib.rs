//! `#[store_test]`: one test, every engine.
//!
//! An `async fn` that takes an `agentchat_store::Engine` becomes one tokio test for each engine, in a module of its
//! name: `cargo test a_name::postgres` runs it on PostgreSQL alone.
//!
//! ```
//! use agentchat_launch::TestStore;
//! use agentchat_store::Engine;
//! use agentchat_store_test::store_test;
//!
//! #[store_test]
//! async fn a_fresh_store_answers(engine: Engine) {
//!     let place = TestStore::open(engine).await;
//!     place.store.ping().await.unwrap();
//! }
//!
//! // Arguments are those of `#[tokio::test]`.
//! #[store_test(flavor = "multi_thread", worker_threads = 2)]
//! async fn it_answers_many_at_once(engine: Engine) {
//!     let place = TestStore::open(engine).await;
//!     let (one, other) = tokio::join!(place.store.ping(), place.store.ping());
//!     one.and(other).unwrap();
//! }
//! # fn main() {}
//! ```

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, ReturnType};

/// Makes two tests, `name::sqlite` and `name::postgres`, of `async fn name(engine: Engine)`. Arguments are passed on to
/// `#[tokio::test]`. The crate needs `agentchat-store` and `tokio` among its dependencies.
#[proc_macro_attribute]
pub fn store_test(arguments: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let test = syn::parse_macro_input!(item as ItemFn);
    expand(&arguments.into(), &test).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(arguments: &TokenStream, test: &ItemFn) -> syn::Result<TokenStream> {
    let signature = &test.sig;
    let fits = signature.asyncness.is_some()
        && signature.inputs.len() == 1
        && signature.generics.params.is_empty()
        && matches!(signature.output, ReturnType::Default);
    if !fits {
        return Err(Error::new_spanned(signature, "expected `async fn name(engine: Engine)`"));
    }
    let name = &signature.ident;
    Ok(quote! {
        #test

        mod #name {
            #[::tokio::test(#arguments)]
            async fn sqlite() {
                super::#name(::agentchat_store::Engine::Sqlite).await;
            }

            #[::tokio::test(#arguments)]
            async fn postgres() {
                super::#name(::agentchat_store::Engine::Postgres).await;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &str, test: &str) -> syn::Result<String> {
        let arguments: TokenStream = arguments.parse().expect("tokens");
        expand(&arguments, &syn::parse_str(test)?).map(|tokens| tokens.to_string())
    }

    #[test]
    fn arguments_reach_both_tests() {
        let tests = expanded("flavor = \"multi_thread\"", "async fn it_works(engine: Engine) {}").expect("it fits");
        assert_eq!(tests.matches("# [:: tokio :: test (flavor = \"multi_thread\")]").count(), 2, "{tests}");
    }

    #[test]
    fn what_is_no_test_of_an_engine_is_refused() {
        let others = [
            "fn blocking(engine: Engine) {}",
            "async fn without_engine() {}",
            "async fn with_more(engine: Engine, more: u8) {}",
            "async fn with_output(engine: Engine) -> u8 { 0 }",
            "async fn generic<T>(engine: T) {}",
        ];
        for other in others {
            let refused = expanded("", other).expect_err(other).to_string();
            assert_eq!(refused, "expected `async fn name(engine: Engine)`");
        }
    }
}
