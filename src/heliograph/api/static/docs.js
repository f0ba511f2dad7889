"use strict";
// Draws /openapi.json. Text only goes in as text.
const make = (tag, text, attributes = {}) => {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
const table = (headers, rows) => {
  const node = make("table"), head = make("tr");
  headers.forEach((header) => head.append(make("th", header)));
  node.append(head);
  rows.forEach((row) => { const line = make("tr"); row.forEach((cell) => line.append(make("td", cell))); node.append(line); });
  return node;
};
let spec;
const resolve = (schema) => (schema && schema.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema);
const typeOf = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items) || "anything"}`;
  if (schema.type === "object" && schema.additionalProperties) return `object of ${typeOf(schema.additionalProperties)}`;
  return schema.type || "anything";
};
const limits = (schema) => ["minimum", "maximum", "minLength", "maxLength", "pattern"].filter((key) => schema[key] !== undefined).map((key) => `${key} ${schema[key]}`).join(", ");
const given = (value) => value.default === undefined || value.default === null ? "" : `default ${JSON.stringify(value.default)}`;
const fields = (schema, required = []) => table(["Field", "Type", "Notes"], Object.entries(schema.properties || {}).map(([name, value]) => [
  name, typeOf(value), [value.description || "", required.includes(name) ? "required" : "", limits(value), given(value)].filter(Boolean).join(" · ")]));
const curl = (method, path, operation) => {
  const lines = [`curl ${location.origin}${path} \\`];
  if (method !== "GET" && method !== "POST") lines.push(`  -X ${method} \\`);
  lines.push('  -H "Authorization: Bearer $HELIOGRAPH_KEY"');
  const content = operation.requestBody && operation.requestBody.content["application/json"];
  if (content) {
    const schema = resolve(content.schema);
    const example = content.example || Object.fromEntries((schema.required || []).map((name) => [name, typeOf(schema.properties[name]) === "string" ? "…" : []]));
    lines[lines.length - 1] += " \\";
    lines.push('  -H "Content-Type: application/json" \\', `  -d '${JSON.stringify(example)}'`);
  } else if (method === "POST") lines[1] = "  -X POST \\\n" + lines[1];
  return lines.join("\n");
};
const draw = (path, method, operation) => {
  const section = make("section", null, { id: operation.operationId, "data-words": `${path} ${operation.summary} ${operation.tags}`.toLowerCase() });
  const place = make("div", null, { class: "place" });
  place.append(make("span", method, { class: "method" }), path);
  section.append(make("h2", operation.summary), place);
  if (operation.description) section.append(make("p", operation.description.replaceAll("`", "")));
  if (operation.parameters.length) section.append(make("h3", "Parameters"), table(["Name", "In", "Type"], operation.parameters.map((p) => [p.name, p.in, typeOf(p.schema)])));
  if (operation.requestBody) {
    const contents = operation.requestBody.content, json = contents["application/json"];
    const [mediaType, content] = json ? ["application/json", json] : Object.entries(contents)[0];
    const schema = resolve(content.schema);
    section.append(make("h3", json ? "Body" : `Body: ${mediaType}`));
    if (schema.properties) section.append(fields(schema, schema.required));
  }
  const problems = [];
  for (const [status, named] of Object.entries(operation.responses)) {
    const answer = named.$ref ? spec.components.responses[named.$ref.split("/").pop()] : named;
    if (named.$ref) problems.push([status, answer.description, operation["x-problem-codes"][status].join(", ")]);
    const content = answer.content && answer.content["application/json"];
    if (content) {
      section.append(make("h3", `Answer ${status}: ${typeOf(content.schema)}`), fields(resolve(content.schema)));
      if (content.example) section.append(make("pre", JSON.stringify(content.example, null, 2)));
    }
  }
  if (problems.length) section.append(make("h3", "Problems"), table(["Status", "When", "Codes"], problems));
  section.append(make("pre", curl(method, path, operation)));
  return section;
};
const start = async () => {
  spec = await (await fetch("/openapi.json")).json();
  const index = document.getElementById("index"), operations = document.getElementById("operations"), groups = new Map();
  for (const [path, methods] of Object.entries(spec.paths)) for (const [method, operation] of Object.entries(methods)) {
    operations.append(draw(path, method.toUpperCase(), operation));
    const tag = operation.tags[0];
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(make("a", operation.summary, { href: `#${operation.operationId}` }));
  }
  for (const [tag, links] of groups) index.append(make("h2", tag), ...links);
  document.getElementById("filter").addEventListener("input", (event) => {
    const word = event.target.value.toLowerCase();
    document.querySelectorAll("section").forEach((section) => { section.hidden = !section.dataset.words.includes(word); });
  });
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
};
start();
