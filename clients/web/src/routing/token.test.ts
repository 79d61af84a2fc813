import { expect, it } from "vitest";
import { mayPresent, readToken } from "./token";

function token(claims: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  return `x.${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}.y`;
}

it("reads role, name and expiry, non-Latin names included", () => {
  expect(readToken(token({ use: "join", role: "cohost", name: "Zoë 李", exp: 10 }))).toEqual({
    use: "join",
    role: "cohost",
    name: "Zoë 李",
    expiresAt: 10_000,
  });
});

it.each(["", "garbage", "a.b.c", token(null), token("text"), token({ role: "root", name: 7, use: [] })])("says nothing about %j", (text) => {
  expect(readToken(text)).toEqual({ use: "unknown", role: undefined, name: undefined, expiresAt: undefined });
});

it("offers devices to all but viewers and guests", () => {
  expect(mayPresent(token({ use: "access" }))).toBe(true);
  expect(mayPresent(token({ use: "join", role: "host" }))).toBe(true);
  expect(mayPresent(token({ use: "join", role: "viewer" }))).toBe(false);
  expect(mayPresent(undefined)).toBe(false);
});
