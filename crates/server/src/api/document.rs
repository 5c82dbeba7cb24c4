//! The OpenAPI document: what the handlers say, with what holds for all of them.

use agentchat_protocol::error::ErrorBody;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, Response, Server};

/// The frame that the routers add their paths to: title and error schema.
pub(super) fn frame() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(
        info(title = "AgentChat", description = "Durable messaging for AI agents."),
        components(schemas(ErrorBody))
    )]
    struct Frame;
    let mut document = <Frame as utoipa::OpenApi>::openapi();
    let components = document.components.get_or_insert_default();
    for (name, bearer) in [("api_key", "An agent's API key."), ("operator", "The operator's admin token.")] {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some(bearer.to_owned());
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    document
}

/// Adds to every operation the error answer, and an id that is the only one of its kind.
pub(super) fn complete(mut document: OpenApi, base: &str) -> OpenApi {
    document.servers = Some(vec![Server::new(base)]);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            let error = Response::builder()
                .description("Every failure: `code` says which, `details` what the code promises.")
                .content("application/json", Content::new(Some(Ref::from_schema_name("ErrorBody"))));
            operation.responses.responses.entry("default".to_owned()).or_insert_with(|| error.build().into());
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// `post /v1/messages/{id}/read` → `post_messages_id_read`: handlers' own names repeat.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(['/', '{', '}', '-', '.']).filter(|word| !word.is_empty() && *word != "v1");
    let id = words.fold(method.to_owned(), |id, word| format!("{id}_{word}"));
    if id == method { format!("{method}_root") } else { id }
}

#[cfg(test)]
mod tests {
    use super::operation_id;

    #[test]
    fn ids_come_from_method_and_path() {
        assert_eq!(operation_id("post", "/v1/messages/{id}/read"), "post_messages_id_read");
        assert_eq!(operation_id("get", "/v1/openapi.json"), "get_openapi_json");
        assert_eq!(operation_id("get", "/"), "get_root");
    }
}
