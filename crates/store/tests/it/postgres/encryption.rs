//! TLS to the server.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use agentchat_launch::{Postgres, PostgresSettings};
use agentchat_store::{Engine, PostgresOptions, Store, StoreError};

/// A server that takes encrypted connections alone, and its certificate in a file.
struct Encrypted {
    postgres: Postgres,
    folder: tempfile::TempDir,
}

impl Encrypted {
    fn start() -> Self {
        let postgres = Postgres::start(PostgresSettings::default());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        // Written by the server: the key must be its own file.
        let write = |name: &str, pem: &str| {
            let file = postgres.folder().join(name);
            let sql = format!("COPY (SELECT unnest(string_to_array('{pem}', E'\\n'))) TO '{}'", file.display());
            postgres.psql("postgres", &sql);
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a file that is not shared");
            file
        };
        let (certificate_file, key_file) = (write("tls.crt", &certificate), write("tls.key", &key));
        let rules = write("hba.conf", "hostssl all all all trust\nhostnossl all all all reject");
        for (name, value) in [
            ("ssl_cert_file", certificate_file.display().to_string()),
            ("ssl_key_file", key_file.display().to_string()),
            ("hba_file", rules.display().to_string()),
            ("ssl", "on".to_owned()),
        ] {
            postgres.psql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
        }
        postgres.stop();
        postgres.start_again();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), certificate).unwrap();
        Self { postgres, folder }
    }

    /// Opens the store with these parameters.
    async fn open(&self, parameters: &str) -> Result<Store, String> {
        let url = self.postgres.url("postgres").replace("127.0.0.1", "localhost");
        let root = self.folder.path().join("root.pem");
        let parameters = parameters.replace("ROOT", &root.display().to_string());
        let options = PostgresOptions::parse(&format!("{url}?{parameters}")).map_err(|error| error.to_string())?;
        Store::connect(options).await.map_err(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_with_a_certificate_that_is_checked() {
    let server = tokio::task::spawn_blocking(Encrypted::start).await.unwrap();
    for parameters in ["sslmode=verify-full&sslrootcert=ROOT", "sslmode=require", "sslmode=prefer"] {
        let store = server.open(parameters).await.unwrap_or_else(|error| panic!("{parameters}: {error}"));
        assert_eq!(store.engine(), Engine::Postgres);
        let alive: Result<(), StoreError> = store.ping().await;
        alive.unwrap();
        store.close().await;
    }
    let plain = server.open("sslmode=disable").await.unwrap_err();
    assert!(plain.contains("rejects connection"), "{plain}");
    let stranger = server.open("sslmode=verify-full").await.unwrap_err();
    assert!(stranger.contains("certificate"), "{stranger}");
    let missing = server.open("sslmode=verify-full&sslrootcert=/nowhere.pem").await.unwrap_err();
    assert!(missing.contains("sslrootcert /nowhere.pem"), "{missing}");
}
