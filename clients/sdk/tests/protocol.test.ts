import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { clientErrors } from "../src/errors";
import { reactionKinds } from "../src/events";

const source = readFileSync(new URL("../src/events.ts", import.meta.url), "utf8");
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");

function namesIn(type: string): string[] {
  const body = new RegExp(`export interface ${type} \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? "";
  return [...body.matchAll(/^ {2}"?([\w:]+)"?:/gm)].map((match) => match[1] ?? "");
}

describe.each(["Requests", "ServerEvents"])("%s", (type) => {
  it("has been found in the source", () => expect(namesIn(type).length).toBeGreaterThan(20));

  it.each(namesIn(type))("documents %s", (name) => expect(page).toMatch(new RegExp(`\`${name}[\` ]`)));
});

it.each(Object.keys(clientErrors))("the README lists the error %s", (code) => expect(readme).toContain(`\`${code}\``));

it("knows the kinds of reactions that the page names", () => {
  const [row = ""] = /^\| `reaction` \|.*?\|.*?\|/m.exec(page) ?? [];
  const kinds = [...row.matchAll(/`(\w+)`/g)].map((match) => match[1]);
  expect(kinds.filter((kind) => kind !== "reaction")).toEqual([...reactionKinds]);
});
