import { expect, it } from "vitest";
import { noticeFor } from "./notices";

it("has a page for each end", () => {
  expect(["left", "ended", "removed", "room_not_found", "room_locked", "replaced", "token_expired", "token_revoked", "key_revoked"].map((reason) => noticeFor(reason).kind)).toEqual([
    "left", "ended", "removed", "not-found", "locked", "replaced", "expired", "expired", "expired",
  ]);
});

it("says what the server said about an unknown one", () => {
  expect(noticeFor("strange", "The moon is full.")).toMatchObject({ kind: "failed", text: "The moon is full.", mayReturn: true });
});
