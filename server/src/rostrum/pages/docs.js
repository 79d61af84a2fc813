// Shows openapi.json as a page. All text goes in as text, never as markup.
const main = document.querySelector("main");
const search = document.querySelector("input");

function element(name, content = [], attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...[content].flat());
  return made;
}

function json(value) {
  return element("pre", JSON.stringify(value, null, 2));
}

/** A schema with its references put in, each at most once on the way down. */
function resolved(schema, parts, seen = []) {
  if (Array.isArray(schema)) return schema.map((item) => resolved(item, parts, seen));
  if (schema === null || typeof schema !== "object") return schema;
  const name = schema.$ref?.split("/").at(-1);
  if (name !== undefined) return seen.includes(name) ? { $ref: name } : resolved(parts[name], parts, [...seen, name]);
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolved(value, parts, seen)]));
}

function type(schema = {}) {
  const kinds = (schema.anyOf ?? [schema]).map((one) => one.enum?.join(" | ") ?? one.format ?? one.type ?? "any");
  return [...new Set(kinds)].join(" or ");
}

function table(rows) {
  const body = rows.map((cells) => element("tr", cells.map((cell) => element("td", cell))));
  return element("table", element("tbody", body));
}

function parameters(operation) {
  const rows = (operation.parameters ?? []).map((one) => [
    element("code", one.name),
    `${one.in}, ${type(one.schema)}${one.required ? ", required" : ""}`,
    one.description ?? "",
  ]);
  return rows.length ? [element("h4", "Parameters"), table(rows)] : [];
}

function body(content, parts) {
  return Object.entries(content ?? {}).flatMap(([kind, media]) => {
    const schema = resolved(media.schema ?? {}, parts);
    const examples = Object.values(media.examples ?? {}).map((one) => one.value);
    const example = media.example ?? schema.example;
    return [
      element("p", element("code", kind)),
      ...(example === undefined ? examples : [example]).map(json),
      element("details", [element("summary", "Schema"), json(schema)]),
    ];
  });
}

function answers(operation, parts) {
  return Object.entries(operation.responses).map(([status, answer]) =>
    element("details", [element("summary", [element("b", status), answer.description]), ...body(answer.content, parts)]),
  );
}

function section(method, path, operation, parts) {
  const made = element("details", element("summary", [
    element("b", method.toUpperCase()), element("code", path), element("span", operation.summary ?? ""),
  ]), { id: operation.operationId });
  made.addEventListener("toggle", () => {
    if (made.childElementCount > 1) return;
    made.append(
      element("p", operation.description ?? ""),
      element("p", operation.security?.length ? "Needs an API key, and a user's token where a user acts." : "Needs no key."),
      ...parameters(operation),
      ...(operation.requestBody ? [element("h4", "Body"), ...body(operation.requestBody.content, parts)] : []),
      element("h4", "Answers"),
      ...answers(operation, parts),
    );
  });
  return made;
}

function show(contract) {
  const groups = new Map();
  for (const [path, operations] of Object.entries(contract.paths)) {
    // A path of the original contract exists under /v1 as well; it is shown once.
    if (path.startsWith("/v1/") && contract.paths[path.slice(3)]) continue;
    for (const [method, operation] of Object.entries(operations)) {
      const tag = operation.tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, element("section", element("h2", tag)));
      groups.get(tag).append(section(method, path, operation, contract.components.schemas));
    }
  }
  main.replaceChildren(...groups.values());
}

search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const group of main.querySelectorAll("section")) {
    const entries = [...group.querySelectorAll(":scope > details")];
    for (const entry of entries) {
      const text = entry.querySelector("summary").textContent.toLowerCase();
      entry.hidden = !words.every((word) => text.includes(word));
    }
    group.hidden = entries.every((entry) => entry.hidden);
  }
});

try {
  show(await (await fetch("/openapi.json")).json());
} catch {
  main.replaceChildren(element("p", "The document could not be loaded; reload the page to try again."));
}
