//! `#[store_test]`: one test, every engine.
