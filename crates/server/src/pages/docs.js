// Draws the OpenAPI document. Every text of it goes through text nodes: nothing in it can become markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
let api;

/** An element with attributes and children; strings become text. */
function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Text in which `code` and [links](url) are drawn, a paragraph for each empty line. */
function prose(text) {
  return (text ?? "").split(/\n\s*\n/).filter(Boolean).map((part) => el("p", {}, inline(part)));
}

function inline(text) {
  return text.split(/(`[^`]+`)/).filter(Boolean).map((part) =>
    part.startsWith("`") && part.length > 2 ? el("code", {}, part.slice(1, -1)) : part);
}

function resolve(value) {
  for (let hops = 0; value?.$ref && hops < 8; hops += 1) {
    const { $ref, ...rest } = value;
    const found = $ref.slice(2).split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], api);
    value = { ...found, ...rest, name: found?.name ?? $ref.split("/").pop() };
  }
  return value ?? {};
}

/** A schema in a word: `string`, `Message[]`, `"all" | "none"`. */
function kindOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  for (const choice of ["oneOf", "anyOf"]) if (schema[choice]) return schema[choice].map(kindOf).join(" | ");
  if (schema.allOf) return schema.allOf.map(kindOf).join(" & ");
  const kinds = [schema.type ?? "any"].flat().map((kind) => (kind === "array" ? `${kindOf(schema.items)}[]` : kind));
  return kinds.join(" | ") + (schema.format ? ` (${schema.format})` : "");
}

/** The bounds of a schema in words. */
function boundsOf(schema) {
  const told = [];
  const range = (low, high, of) => {
    if (schema[low] !== undefined && schema[high] !== undefined) told.push(`${schema[low]} to ${schema[high]}${of}`);
    else if (schema[low] !== undefined) told.push(`at least ${schema[low]}${of}`);
    else if (schema[high] !== undefined) told.push(`at most ${schema[high]}${of}`);
  };
  range("minimum", "maximum", "");
  range("minLength", "maxLength", " characters");
  range("minItems", "maxItems", " items");
  if (schema.default !== undefined && schema.default !== null) told.push(`default ${JSON.stringify(schema.default)}`);
  return told.join(", ");
}

function membersOf(schema) {
  const whole = resolve(schema);
  const parts = [whole, ...(whole.allOf ?? []).map(resolve)];
  const required = new Set(parts.flatMap((part) => part.required ?? []));
  return parts.flatMap((part) => Object.entries(part.properties ?? {}).map(([name, member]) => [name, member, required.has(name)]));
}

/** A table of members; those that are objects can be opened. */
function members(schema, depth) {
  const rows = membersOf(schema).map(([name, member, required]) => row(name, member, required, depth));
  return rows.length ? el("table", {}, rows) : null;
}

function row(name, schema, required, depth, description) {
  const shown = [schema.oneOf, schema.anyOf].flat().find((one) => one && one.type !== "null") ?? schema;
  const inner = shown.type === "array" || shown.items ? shown.items : shown;
  const whole = resolve(inner);
  const about = description ?? schema.description ?? resolve(shown).description;
  const cell = el("td", {}, el("span", { class: "kind" }, kindOf(schema)), " ", required ? el("span", { class: "must" }, "required") : null);
  const bounds = boundsOf(whole);
  if (bounds) cell.append(" ", el("span", { class: "kind" }, `(${bounds})`));
  if (about) cell.append(el("div", {}, inline(about)));
  if (depth < 4 && membersOf(inner).length) {
    cell.append(lazily(el("summary", { class: "kind" }, "members"), () => members(inner, depth + 1)));
  }
  return el("tr", {}, el("td", {}, el("code", {}, name)), cell);
}

/** Drawn when it is opened for the first time. */
function lazily(summary, draw) {
  const details = el("details", {}, summary);
  details.addEventListener("toggle", () => { if (details.open && details.childElementCount === 1) details.append(...[draw()].flat().filter(Boolean)); });
  return details;
}

function json(value) {
  return el("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));
}

function body(content) {
  return Object.entries(content ?? {}).flatMap(([kind, media]) => {
    const schema = media.schema ?? {};
    const list = schema.type === "array" ? schema.items : schema;
    const examples = media.example !== undefined ? [media.example] : Object.values(media.examples ?? {}).map((one) => one.value);
    return [el("p", { class: "kind" }, `${kind}  ${kindOf(schema)}`), members(list, 0), ...examples.map(json)];
  });
}

function answer(status, response) {
  const whole = resolve(response);
  const first = (whole.description ?? "").split("\n\n");
  const codes = first.map((line) => /^`([A-Z_]+)`/.exec(line)?.[1]).filter(Boolean);
  const told = codes.length ? codes.join(", ") : first[0];
  const summary = el("summary", {}, el("span", { class: `status ${status < 400 ? "ok" : "no"}` }, status), inline(told));
  return lazily(summary, () => [
    ...(codes.length ? prose(whole.description) : []),
    whole.headers ? el("p", { class: "kind" }, `headers: ${Object.keys(whole.headers).join(", ")}`) : null,
    ...body(whole.content),
  ]);
}

function article({ method, path, operation, id }) {
  const keys = (operation.security ?? []).map((choice) => Object.keys(choice)[0] ?? "none");
  const parameters = (operation.parameters ?? []).map(resolve);
  const shown = resolve(operation.requestBody);
  return el("article", { id },
    keys.length ? el("span", { class: "key" }, keys.join(" or ").replaceAll("_", " ")) : null,
    el("h3", {}, el("span", { class: `method ${method}` }, method), el("a", { href: `#${id}` }, path)),
    prose(operation.summary), prose(operation.description),
    parameters.length ? el("h4", {}, "Parameters") : null,
    parameters.length ? el("table", {}, parameters.map((one) => row(`${one.name}`, one.schema ?? {}, one.required, 0, `${one.description ?? ""} (${one.in})`.trim()))) : null,
    shown.content ? el("h4", {}, "Body") : null, ...body(shown.content),
    el("h4", {}, "Answers"), Object.entries(operation.responses ?? {}).map(([status, response]) => answer(status, response)));
}

function operations() {
  return Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => {
    const operation = item[method];
    const words = [method, path, operation.summary, operation.description, operation.operationId, ...(operation.tags ?? [])];
    return { method, path, operation, id: operation.operationId, tag: operation.tags?.[0] ?? "", words: words.join(" ").toLowerCase() };
  }));
}

function draw() {
  const main = document.getElementById("main");
  const list = document.getElementById("list");
  const all = operations();
  document.getElementById("version").replaceChildren(`version ${api.info.version}, `, el("a", { href: "v1/openapi.json" }, "openapi.json"));
  main.replaceChildren(el("div", { class: "about" }, prose(api.info.description), el("p", {}, "Base URL: ", el("code", {}, api.servers?.[0]?.url ?? ""))));
  for (const tag of api.tags ?? []) {
    const mine = all.filter((one) => one.tag === tag.name);
    if (!mine.length) continue;
    const drawn = mine.map((one) => ({ ...one, link: link(one), article: article(one) }));
    const [heading, title] = [el("h2", {}, tag.name), el("h2", {}, tag.name)];
    const about = el("p", { class: "about" }, inline(tag.description ?? ""));
    list.append(heading, ...drawn.map((one) => one.link));
    main.append(title, about, ...drawn.map((one) => one.article));
    filters.push((words) => {
      let some = false;
      for (const one of drawn) {
        const hit = words.every((word) => one.words.includes(word));
        one.link.hidden = one.article.hidden = !hit;
        some ||= hit;
      }
      heading.hidden = title.hidden = about.hidden = !some;
    });
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function link(one) {
  return el("a", { href: `#${one.id}`, title: one.operation.summary ?? "" }, el("span", { class: `method ${one.method}` }, one.method), one.path);
}

const filters = [];
const search = document.getElementById("search");
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const filter of filters) filter(words);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
});

fetch("v1/openapi.json").then((response) => response.json()).then((read) => { api = read; draw(); })
  .catch((error) => document.getElementById("main").append(el("p", {}, `The document could not be read: ${error.message}`)));
